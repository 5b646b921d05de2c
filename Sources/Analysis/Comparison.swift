// Compares two ways to search the same vectors: two versions, two stores or two sets of parameters.
// Both answer every query, so the difficulty of a query cancels out.
package import Catalog
import Foundation
package import Reporting
package import Search
package import SearchTypes
package import TesseraBase
import VectorCore

/// One of the two sides.
package struct ComparisonSide: Sendable {
    package let store: String
    package let manifest: Manifest
    package let searcher: any VersionSearcher
    package let options: SearchOptions

    /// Loads one side.
    ///
    /// - Parameters:
    ///   - nprobe: lists scanned per query; nil takes the manifest's number. `refineDepth`
    ///     likewise.
    /// - Throws: `invalidArgument` for parameters the version cannot be searched with, and errors
    ///   of loading.
    package init(
        store: String, _ manifest: Manifest, in catalog: Catalog, k: Int, nprobe: Int?,
        refineDepth: Int?, pool: WorkPool, progress: @escaping ProgressHandler
    ) async throws(TesseraError) {
        let index = manifest.index
        let lists = index.shards.reduce(0) { $0 + $1.lists }
        let probes = nprobe ?? index.search.nprobe
        let depth = refineDepth ?? max(index.search.refineDepth, 10 * min(k, 10_000))
        guard (1...min(1000, index.vectors)).contains(k), (1...lists).contains(probes),
            depth >= k, depth <= 100_000
        else {
            throw TesseraError(
                .invalidArgument,
                "version \(manifest.version) of '\(index.name)' cannot be searched with -k \(k), nprobe \(probes), "
                    + "refine \(depth): it has \(index.vectors) vectors in \(lists) lists, and refine is at least k"
            )
        }
        self.store = store
        self.manifest = manifest
        options = SearchOptions(
            k: k, probeCount: probes, listMargin: index.listMargin(probes: probes),
            refineDepth: depth,
            probeShards: index.probeShards(probes: probes))
        searcher = try await VersionLoader.searcher(
            manifest, from: catalog, pool: pool, cold: nil, progress: progress)
    }

    var summary: ComparisonReport.Side {
        ComparisonReport.Side(
            store: store, index: manifest.index.name, version: manifest.version,
            vectors: manifest.index.vectors, nprobe: options.probeCount,
            refineDepth: options.refineDepth)
    }
}

/// Compares two sides.
package struct Comparison: Sendable {
    /// Rounds in which each query is timed on either side. The fastest counts: it is disturbed
    /// least by other processes.
    private static let rounds = 5
    /// Cells with fewer queries are not reported.
    private static let fewestInCell = 3

    private let sides: [ComparisonSide]
    private let selection: QuerySelection
    private let truth: GroundTruth?
    private let pool: WorkPool
    private let stop: StopSign
    private let seed: UInt64

    /// Prepares a comparison.
    ///
    /// - Parameter truth: exact neighbours of the selection; nil measures overlap and latency, but
    ///   no recall.
    /// - Throws: `invalidArgument` if the sides cannot answer the same queries.
    package init(
        _ a: ComparisonSide, _ b: ComparisonSide, _ selection: QuerySelection,
        truth: GroundTruth?, pool: WorkPool, stop: StopSign, seed: UInt64
    ) throws(TesseraError) {
        let (left, right) = (a.manifest.index, b.manifest.index)
        guard left.dimension == right.dimension, left.metric == right.metric else {
            throw TesseraError(
                .invalidArgument,
                "\(left.dimension) dimensions by \(left.metric) cannot be compared with "
                    + "\(right.dimension) by \(right.metric): choose versions of the same vectors")
        }
        sides = [a, b]
        self.selection = selection
        self.truth = truth
        self.pool = pool
        self.stop = stop
        self.seed = seed
    }

    private var k: Int { sides[0].options.k }

    /// Sends all queries to both sides.
    ///
    /// - Throws: `cancelled` if it is stopped.
    package func run() async throws(TesseraError) -> ComparisonReport {
        var answers: [[SearchAnswer]] = []
        for side in sides {
            try stop.check()
            answers.append(
                try await side.searcher.search(
                    selection.queries, options: options(side), pool: pool, batch: 1
                ).answers)
        }
        let ids = answers.map { side in
            side.enumerated().map { query, answer in
                selection.answers(answer.hits.map(\.id), of: query, k: k)
            }
        }
        var report = ComparisonReport(
            a: sides[0].summary, b: sides[1].summary, k: k, queries: selection.queries.rows)
        overlap(ids, &report)
        recall(ids, answers[0], &report)
        try await latency(&report)
        return report
    }

    private func options(_ side: ComparisonSide) -> SearchOptions {
        var options = side.options
        options.k += selection.extra
        options.refineDepth += selection.extra
        return options
    }

    private func overlap(_ ids: [[[String]]], _ report: inout ComparisonReport) {
        let shares = zip(ids[0], ids[1]).map { left, right in
            let most = max(left.count, right.count)
            return most == 0 ? 1 : Double(Set(left).intersection(right).count) / Double(most)
        }
        report.overlap = Statistics.pairedBootstrap(count: shares.count, seed: seed) { drawn in
            drawn.reduce(0) { $0 + shares[$1] } / Double(drawn.count)
        }
        report.identical = zip(ids[0], ids[1]).count { $0 == $1 }
    }

    private func recall(
        _ ids: [[[String]]], _ answers: [SearchAnswer], _ report: inout ComparisonReport
    ) {
        guard let truth else { return }
        var pairs: [(query: Int, a: Double, b: Double)] = []
        for query in 0..<selection.queries.rows {
            if let a = truth.share(ids[0][query], of: query, k: k),
                let b = truth.share(ids[1][query], of: query, k: k)
            {
                pairs.append((query, a, b))
            }
        }
        guard !pairs.isEmpty else { return }
        report.recall = ComparisonReport.Recall(
            a: Statistics.mean(pairs.map(\.a)), b: Statistics.mean(pairs.map(\.b)),
            difference: Statistics.pairedBootstrap(count: pairs.count, seed: seed) { drawn in
                drawn.reduce(0) { $0 + pairs[$1].b - pairs[$1].a } / Double(drawn.count)
            },
            queriesBetter: pairs.count { $0.b > $0.a }, queriesWorse: pairs.count { $0.b < $0.a },
            signTest: Statistics.signTest(
                wins: pairs.count { $0.b > $0.a }, losses: pairs.count { $0.b < $0.a }),
            queries: pairs.count)
        var cells: [Int: [(a: Double, b: Double)]] = [:]
        for pair in pairs {
            let own = selection.ownIDs?[pair.query]
            guard let nearest = answers[pair.query].hits.first(where: { $0.id != own }) else {
                continue
            }
            cells[nearest.place.shard, default: []].append((pair.a, pair.b))
        }
        report.worseCells = cells.compactMap { shard, pairs in
            let cell = ComparisonReport.Cell(
                shard: shard, queries: pairs.count, a: Statistics.mean(pairs.map(\.a)),
                b: Statistics.mean(pairs.map(\.b)))
            return cell.b < cell.a && pairs.count >= Self.fewestInCell ? cell : nil
        }.sorted { ($0.b - $0.a, $0.shard) < ($1.b - $1.a, $1.shard) }
    }

    /// Times each query on both sides in turn. Which side is first alternates between queries and
    /// rounds.
    private func latency(_ report: inout ComparisonReport) async throws(TesseraError) {
        var best = [[Double]](
            repeating: [Double](repeating: .infinity, count: selection.queries.rows), count: 2)
        for round in 0..<Self.rounds {
            for query in 0..<selection.queries.rows {
                try stop.check()
                for turn in 0..<2 {
                    let side = (turn + round + query) % 2
                    best[side][query] = min(best[side][query], try await time(side, query))
                }
            }
        }
        let fastest = best
        let sorted = fastest.map { $0.sorted() }
        let ratio = Statistics.pairedBootstrap(
            count: selection.queries.rows, resamples: 1000, seed: seed
        ) { drawn in
            let (a, b) = (
                drawn.map { fastest[0][$0] }.sorted(), drawn.map { fastest[1][$0] }.sorted()
            )
            return Statistics.quantile(b, 0.5) / max(Statistics.quantile(a, 0.5), 1e-12)
        }
        let slower = zip(fastest[0], fastest[1]).count { $0 < $1 }
        let faster = zip(fastest[0], fastest[1]).count { $0 > $1 }
        func microseconds(_ side: Int, _ share: Double) -> Double {
            (Statistics.quantile(sorted[side], share) * 1e6).rounded(to: 1)
        }
        report.latency = ComparisonReport.Latency(
            p50Microseconds: [microseconds(0, 0.5), microseconds(1, 0.5)],
            p99Microseconds: [microseconds(0, 0.99), microseconds(1, 0.99)], ratio: ratio,
            queriesFaster: faster, queriesSlower: slower,
            signTest: Statistics.signTest(wins: faster, losses: slower))
    }

    private func time(_ number: Int, _ query: Int) async throws(TesseraError) -> Double {
        let side = sides[number]
        let row = Matrix(
            rows: 1, columns: selection.queries.columns,
            elements: Array(selection.queries.row(query)))
        return try await side.searcher.search(row, options: options(side), pool: pool, batch: 1)
            .latencies[0].seconds
    }
}
