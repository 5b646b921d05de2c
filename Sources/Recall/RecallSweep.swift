// Finds operating points: searches with growing numbers of lists and candidates, and compares the
// results with the exact neighbours.
//
// Invariant: points are made of counts alone, so the same index and queries give the same points on
// every machine.
package import Catalog
package import ObjectStore
package import Search
import SearchTypes
package import ShardFile
package import TesseraBase
import VectorCore

/// An operating point, and the latency of its queries on this machine.
package struct MeasuredPoint: Sendable {
    package let point: OperatingPoint
    /// Median latency of a query.
    package let median: Duration
}

/// Measures one index with one query set.
package struct RecallSweep: Sendable {
    /// Smallest gain in recall that is worth another step.
    private static let negligible = 0.0005
    /// Refine depths of the grid.
    package static let refineDepths = [10, 20, 40, 80, 160, 320, 640]

    private let searcher: any VersionSearcher
    private let index: IndexDescription
    private let set: QuerySet
    private let pool: WorkPool
    private let progress: ProgressHandler

    /// Throws `corrupted` if the queries do not have the index's dimension.
    package init(
        _ searcher: any VersionSearcher, _ index: IndexDescription, _ set: QuerySet,
        pool: WorkPool, progress: @escaping ProgressHandler
    ) throws(TesseraError) {
        guard set.queries.columns == index.dimension else {
            throw TesseraError(
                .corrupted, "the queries of index '\(index.name)' do not have its dimension")
        }
        self.searcher = searcher
        self.index = index
        self.set = set
        self.pool = pool
        self.progress = progress
    }

    /// Measures the grid and returns its Pareto front, cheapest first.
    package func run() async throws(TesseraError) -> [MeasuredPoint] {
        let ladder = Self.ladder(to: index.shards.reduce(0) { $0 + $1.lists })
        var measured: [MeasuredPoint] = []
        var ceilings: [Double] = []
        for (step, nprobe) in ladder.enumerated() {
            let row = try await depths(nprobe: nprobe)
            measured += row
            progress(
                ProgressUpdate(
                    phase: "measuring recall", completed: step + 1, total: ladder.count,
                    unit: "probe counts"))
            ceilings.append(row.map(\.point.recall).max() ?? 0)
            if Self.isFlat(ceilings) { break }
        }
        let front = OperatingPoint.front(of: measured.map(\.point))
        return front.compactMap { point in measured.first { $0.point == point } }
    }

    /// Whether the last two steps together gained no recall worth having.
    package static func isFlat(_ ceilings: [Double]) -> Bool {
        guard ceilings.count > 2 else { return false }
        return ceilings[ceilings.count - 1] - ceilings[ceilings.count - 3] < negligible
            && ceilings[ceilings.count - 1] > 0
    }

    /// The numbers of lists to measure: 1, 2, 3, 4, 6, 8, 12, 16, … and all lists.
    package static func ladder(to lists: Int) -> [Int] {
        var steps = [1]
        var power = 2
        while power < lists {
            steps += [power, power + power / 2].filter { $0 < lists && $0 > steps[steps.count - 1] }
            power *= 2
        }
        return lists > 1 ? steps + [lists] : steps
    }

    /// Measures the refine depths at `nprobe`: the deepest, and shallower ones until one finds as
    /// much.
    private func depths(nprobe: Int) async throws(TesseraError) -> [MeasuredPoint] {
        let most = max(set.k, index.vectors)
        let sensible = Self.refineDepths.filter { $0 >= set.k && $0 <= most }
        guard index.refine != "none", let deepest = sensible.last else {
            return [try await measure(nprobe: nprobe, refineDepth: set.k)]
        }
        let ceiling = try await measure(nprobe: nprobe, refineDepth: deepest)
        var row: [MeasuredPoint] = []
        for depth in sensible.dropLast() {
            let next = try await measure(nprobe: nprobe, refineDepth: depth)
            row.append(next)
            if next.point.recall > ceiling.point.recall - Self.negligible { break }
        }
        return row + [ceiling]
    }

    /// Measures the recall@`k` of a search with the index's default settings.
    ///
    /// - Throws: `invalidArgument` if the query set has fewer than `k` neighbours per query.
    package func certificate(
        k: Int, digest: ContentDigest
    ) async throws(TesseraError) -> RecallCertificate {
        guard (1...set.k).contains(k) else {
            throw TesseraError(
                .invalidArgument,
                "recall@\(k) cannot be measured: the queries of index '\(index.name)' keep their \(set.k) nearest; "
                    + "give recall@1 to recall@\(set.k)")
        }
        let options = SearchOptions(
            k: k, probeCount: index.search.nprobe,
            listMargin: index.listMargin(probes: index.search.nprobe),
            refineDepth: max(index.search.refineDepth, 10 * k),
            probeShards: index.search.probeShards)
        let result = try await search(options)
        let estimate = RecallEstimate(
            shares: result.answers.enumerated().map { share(found: $1.hits, query: $0, k: k) })
        return RecallCertificate(
            k: k, recall: RecallEstimate.rounded(estimate.mean, .toNearestOrEven),
            standardError: RecallEstimate.rounded(estimate.standardError, .up),
            low: RecallEstimate.rounded(estimate.low, .down),
            high: RecallEstimate.rounded(estimate.high, .up),
            confidence: RecallEstimate.confidence, queries: set.queries.rows, queryDigest: digest,
            nprobe: options.probeCount, refineDepth: options.refineDepth,
            probeShards: options.probeShards)
    }

    /// One extra result and candidate for queries sampled from the index, since each finds itself
    /// first.
    private var extra: Int { self.set.ownIDs == nil ? 0 : 1 }

    private func search(_ options: SearchOptions) async throws(TesseraError) -> BatchAnswers {
        var options = options
        options.k += extra
        options.refineDepth += extra
        return try await searcher.search(set.queries, options: options, pool: pool, batch: 1)
    }

    private func measure(nprobe: Int, refineDepth: Int) async throws(TesseraError)
        -> MeasuredPoint
    {
        let result = try await search(
            SearchOptions(
                k: set.k, probeCount: nprobe, listMargin: index.listMargin(probes: nprobe),
                refineDepth: refineDepth,
                probeShards: index.probeShards(probes: nprobe)))
        let found = result.answers.enumerated().map { query, answer in
            share(found: answer.hits, query: query, k: set.k)
        }
        let count = Double(found.count)
        let recall = found.reduce(0, +) / count
        let variance =
            found.reduce(0) { $0 + ($1 - recall) * ($1 - recall) } / max(1, count - 1)
        let codes = result.answers.reduce(0) { $0 + $1.receipt.codesScanned }
        let rows = result.answers.reduce(0) { $0 + max(0, $1.receipt.rowsRefined - extra) }
        let point = OperatingPoint(
            nprobe: nprobe, refineDepth: refineDepth, recall: Self.rounded(recall, 10_000),
            standardError: Self.rounded((variance / count).squareRoot(), 10_000),
            codesScanned: Self.rounded(Double(codes) / count, 10),
            rowsRefined: Self.rounded(Double(rows) / count, 10))
        let sorted = result.latencies.sorted()
        return MeasuredPoint(point: point, median: sorted[sorted.count / 2])
    }

    /// Recall of one query: the share of its k nearest neighbours among its hits. Any of the
    /// neighbours tied with the last one counts.
    private func share(found hits: [Hit], query: Int, k: Int) -> Double {
        let near = set.neighbours[query]
        let truth = Set(k == set.k ? near : Array(near.prefix(k)))
        let own = set.ownIDs?[query]
        let right = hits.filter { $0.id != own }.prefix(k).count { truth.contains($0.id) }
        return Double(right) / Double(min(k, truth.count))
    }

    private static func rounded(_ value: Double, _ scale: Double) -> Double {
        (value * scale).rounded() / scale
    }
}
