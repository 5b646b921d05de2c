// Operating points: how to search, what that finds and what it costs. People ask for recall; a
// point turns it into numbers of lists and candidates.
package import ObjectStore
package import TesseraBase

/// Search parameters, and what was measured with them.
package struct OperatingPoint: Sendable, Equatable, Codable {
    /// Lists scanned, over all shards.
    package var nprobe: Int
    /// Candidates re-ranked from the refine tier.
    package var refineDepth: Int
    /// The mean share of a query's k nearest that was found.
    package var recall: Double
    /// Standard error of the recall over the queries.
    package var standardError: Double
    /// Mean codes scanned per query.
    package var codesScanned: Double
    /// Mean rows refined per query.
    package var rowsRefined: Double

    package init(
        nprobe: Int, refineDepth: Int, recall: Double, standardError: Double,
        codesScanned: Double, rowsRefined: Double
    ) {
        self.nprobe = nprobe
        self.refineDepth = refineDepth
        self.recall = recall
        self.standardError = standardError
        self.codesScanned = codesScanned
        self.rowsRefined = rowsRefined
    }
}

extension OperatingPoint {
    /// Codes that are scanned in about the time of refining one row; docs/open.md has what was
    /// measured.
    package static let codesPerRow = 64.0

    /// What a query costs, counted in codes: counts are the same on every machine, times are not.
    /// Choosing lists is left out, for it costs the same at every point.
    package var cost: Double { codesScanned + Self.codesPerRow * rowsRefined }

    /// The Pareto front of recall and cost: cheapest first, recall ascending.
    package static func front(of points: [OperatingPoint]) -> [OperatingPoint] {
        let byCost = points.sorted { left, right in
            (left.cost, -left.recall, left.nprobe) < (right.cost, -right.recall, right.nprobe)
        }
        var front: [OperatingPoint] = []
        for point in byCost where point.recall > front.last?.recall ?? -1 { front.append(point) }
        return front
    }
}

extension IndexDescription {
    /// The cheapest operating point that reaches `recall`.
    ///
    /// - Throws: `invalidArgument` for an impossible recall, `notFound` where nothing was measured
    ///   or no point reaches it; the message names the best there is.
    package func operatingPoint(recall: Double) throws(TesseraError) -> OperatingPoint {
        guard recall > 0, recall <= 1 else {
            throw TesseraError(
                .invalidArgument, "--recall \(recall) is out of range; give more than 0, at most 1")
        }
        guard let operatingPoints, let best = operatingPoints.last else {
            throw TesseraError(
                .notFound,
                "the recall of index '\(name)' has not been measured: run shardctl tune --index \(name), "
                    + "or give --nprobe and --refine")
        }
        guard let point = operatingPoints.first(where: { $0.recall >= recall }) else {
            throw TesseraError(
                .notFound,
                "no operating point of index '\(name)' reaches recall \(recall); the best is \(best.recall) with "
                    + "--nprobe \(best.nprobe) --refine \(best.refineDepth)")
        }
        return point
    }

    /// The list margin for `probes` lists: how much farther than the nearest one a list may be. Nil
    /// if no list is left out, as when all are asked for.
    ///
    /// - Parameter lists: number of lists in all shards, if known.
    package func listMargin(probes: Int, of lists: Int? = nil) -> Float? {
        guard let margin = search.listMargin,
            probes < lists ?? shards.reduce(0, { $0 + $1.lists })
        else { return nil }
        return Float(margin) * Float(probes).squareRoot()
    }

    /// Shards the router offers where `probes` lists are scanned: more lists than usual, as many
    /// more shards.
    package func probeShards(probes: Int) -> Int {
        search.probeShards(probes: probes, of: shards.count)
    }
}

extension SearchDefaults {
    /// Shards the router offers of `shards` where `probes` lists are scanned.
    package func probeShards(probes: Int, of shards: Int) -> Int {
        guard probes > nprobe else { return probeShards }
        let scaled = probeShards * probes / max(1, nprobe) + 1
        return min(shards, scaled)
    }
}

/// A query set, and where its queries and its truth come from.
package struct QuerySetReference: Sendable, Equatable, Codable {
    /// Source of the queries.
    package enum Source: String, Sendable, Codable {
        /// Vectors of the index itself, each left out of its own answer.
        case sample
        /// A file of queries.
        case file
    }

    /// What the exact neighbours were computed from.
    package enum Truth: String, Sendable, Codable {
        /// The vectors as they were given.
        case vectors
        /// The refine tier, which rounds them.
        case refine
    }

    package var digest: ContentDigest
    package var bytes: UInt64
    /// Number of queries.
    package var count: Int
    /// Neighbours that recall counts.
    package var k: Int
    package var source: Source
    package var truth: Truth
    /// Seed that the queries were drawn with.
    package var seed: UInt64
    /// Whether lists were trained without them; nil if not recorded.
    package var heldOut: Bool?

    package init(
        digest: ContentDigest, bytes: UInt64, count: Int, k: Int, source: Source, truth: Truth,
        seed: UInt64, heldOut: Bool? = nil
    ) {
        self.digest = digest
        self.bytes = bytes
        self.count = count
        self.k = k
        self.source = source
        self.truth = truth
        self.seed = seed
        self.heldOut = heldOut
    }
}
