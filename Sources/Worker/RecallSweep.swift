// Finds operating points: searches with more and more lists and candidates, and compares what comes with the truth.
//
// Only counts go into a point, so the same content and queries give the same points on every machine.
package import Catalog
import SearchProtocol
package import ShardFile
package import TesseraBase
import VectorCore

/// An operating point, and how long its queries took here.
package struct MeasuredPoint: Sendable {
    package let point: OperatingPoint
    /// The median query.
    package let median: Duration
}

/// Measures one index by one query set.
package struct RecallSweep: Sendable {
    /// A gain that is not worth another step.
    private static let negligible = 0.0005
    private static let refineDepths = [10, 20, 40, 80, 160, 320, 640]

    private let searcher: any VersionSearcher
    private let index: IndexDescription
    private let set: QuerySet
    private let pool: WorkPool
    private let progress: ProgressHandler

    /// Throws `corrupted` where the queries do not fit the index.
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

    /// The front of the grid: cheapest first.
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

    /// Whether two more steps found nothing worth their while.
    private static func isFlat(_ ceilings: [Double]) -> Bool {
        guard ceilings.count > 2 else { return false }
        return ceilings[ceilings.count - 1] - ceilings[ceilings.count - 3] < negligible
            && ceilings[ceilings.count - 1] > 0
    }

    /// 1, 2, 3, 4, 6, 8, 12, 16, … and the number of all lists.
    private static func ladder(to lists: Int) -> [Int] {
        var steps = [1]
        var power = 2
        while power < lists {
            steps += [power, power + power / 2].filter { $0 < lists && $0 > steps[steps.count - 1] }
            power *= 2
        }
        return lists > 1 ? steps + [lists] : steps
    }

    /// All refine depths worth having at `nprobe`: the deepest, and shallower ones until they find as much.
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

    private func measure(nprobe: Int, refineDepth: Int) async throws(TesseraError)
        -> MeasuredPoint
    {
        // A sampled query finds itself first: that is no answer, and takes no candidate's place.
        let extra = set.ownIDs == nil ? 0 : 1
        let result = try await searcher.search(
            set.queries,
            options: SearchOptions(
                k: set.k + extra, probeCount: nprobe, refineDepth: refineDepth + extra,
                probeShards: index.probeShards(probes: nprobe)),
            pool: pool, batch: 1)
        let found = result.answers.enumerated().map { query, answer in
            share(found: answer.hits, query: query)
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

    /// The share of the query's k nearest among its hits; whichever of equally far ones were found.
    private func share(found hits: [Hit], query: Int) -> Double {
        let truth = Set(set.neighbours[query])
        let own = set.ownIDs?[query]
        let right = hits.filter { $0.id != own }.prefix(set.k).count { truth.contains($0.id) }
        return Double(right) / Double(min(set.k, truth.count))
    }

    private static func rounded(_ value: Double, _ scale: Double) -> Double {
        (value * scale).rounded() / scale
    }
}
