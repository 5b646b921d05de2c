// Measures recall at several depths, along the operating points, and by cell.
import Catalog
import Recall
import Reporting
import Search
import SearchTypes
import TesseraBase
import VectorCore

/// Searches, and compares the answers with the exact neighbours.
struct RecallStage: Sendable {
    private let subject: any MeasuredVersion
    private let searcher: any VersionSearcher
    private let selection: QuerySelection
    private let truth: GroundTruth

    init(
        _ subject: any MeasuredVersion, _ searcher: any VersionSearcher,
        _ selection: QuerySelection, _ truth: GroundTruth
    ) {
        self.subject = subject
        self.searcher = searcher
        self.selection = selection
        self.truth = truth
    }

    private func answers(_ options: SearchOptions) async throws(TesseraError) -> BatchAnswers {
        var options = options
        options.k += selection.extra
        options.refineDepth += selection.extra
        try subject.stop.check()
        return try await searcher.search(
            selection.queries, options: options, pool: subject.pool, batch: 1)
    }

    private func shares(_ result: BatchAnswers, k: Int) -> [Double] {
        result.answers.enumerated().compactMap { query, answer in
            truth.share(
                selection.answers(answer.hits.map(\.id), of: query, k: k), of: query, k: k)
        }
    }

    /// One line for each depth with exact neighbours.
    func lines() async throws(TesseraError) -> [Report.RecallLine] {
        var lines: [Report.RecallLine] = []
        for (k, level) in truth.levels.sorted(by: { $0.key < $1.key }) {
            let shares = shares(try await answers(subject.options(k: k)), k: k)
            guard !shares.isEmpty else { continue }
            let estimate = RecallEstimate(shares: shares)
            lines.append(
                Report.RecallLine(
                    k: k, recall: estimate.mean.rounded(to: 5),
                    low: RecallEstimate.rounded(estimate.low, .down),
                    high: RecallEstimate.rounded(estimate.high, .up),
                    standardError: estimate.standardError.rounded(to: 5), queries: shares.count,
                    truth: level.source.rawValue))
        }
        return lines
    }

    /// Every shard, with the recall of the queries whose nearest hit it holds.
    func cells(
        _ shards: [ShardReference], _ options: SearchOptions
    ) async throws(TesseraError) -> [Report.Cell] {
        let result = try await answers(options)
        var found: [Int: [Double]] = [:]
        for (query, answer) in result.answers.enumerated() {
            let own = selection.ownIDs?[query]
            guard let nearest = answer.hits.first(where: { $0.id != own }) else { continue }
            let ids = selection.answers(answer.hits.map(\.id), of: query, k: options.k)
            guard let share = truth.share(ids, of: query, k: options.k) else { continue }
            found[nearest.place.shard, default: []].append(share)
        }
        return shards.enumerated().map { ordinal, shard in
            let shares = found[ordinal] ?? []
            return Report.Cell(
                shard: ordinal, vectors: shard.vectors, lists: shard.lists,
                bytes: Double(shard.bytes), queries: shares.count,
                recall: shares.isEmpty ? nil : Statistics.mean(shares).rounded(to: 4))
        }
    }

    /// Recall and throughput at the manifest's operating points, or at a ladder of probe counts if
    /// it has none.
    func curve() async throws(TesseraError) -> [Report.CurvePoint] {
        let k = subject.plan.k
        guard subject.plan.curvePoints > 0, truth.levels[k] != nil else { return [] }
        var points: [Report.CurvePoint] = []
        let settings = ladder
        for (number, (nprobe, refineDepth)) in settings.enumerated() {
            let options = subject.options(k: k, nprobe: nprobe, refineDepth: max(refineDepth, k))
            let estimate = RecallEstimate(shares: shares(try await answers(options), k: k))
            let load = try await LoadGenerator(
                searcher, selection.queries, options: options,
                concurrency: subject.plan.concurrency, stop: subject.stop
            ).closedLoop(seconds: subject.plan.loadSeconds / 4)
            let sorted = load.latencies.sorted()
            points.append(
                Report.CurvePoint(
                    nprobe: nprobe, refineDepth: options.refineDepth,
                    recall: estimate.mean.rounded(to: 5), low: estimate.low.rounded(to: 5),
                    high: estimate.high.rounded(to: 5),
                    queriesPerSecond: load.queriesPerSecond.rounded(to: 1),
                    p50Microseconds: (Statistics.quantile(sorted, 0.5) * 1e6).rounded(to: 1),
                    codesScanned: load.work.codesScanned, rowsRefined: load.work.rowsRefined))
            subject.progress(
                ProgressUpdate(
                    phase: "recall against throughput", completed: number + 1,
                    total: settings.count, unit: "points"))
        }
        return points
    }

    private var ladder: [(Int, Int)] {
        let most = subject.plan.curvePoints
        let points = subject.points
        if !points.isEmpty {
            guard points.count > most else { return points }
            // Evenly spaced points of the front, both ends included.
            return (0..<most).map { points[$0 * (points.count - 1) / max(1, most - 1)] }
        }
        let steps = (0..<most).map { 1 << $0 }.filter { $0 <= subject.lists }
        return steps.map { ($0, subject.options(k: subject.plan.k).refineDepth) }
    }
}
