// Predicts the time of a query from searches on this machine. The index is copied in memory several
// times and each query goes to another copy, so that caches and page tables see as much memory as
// with a larger index. The medians are then attributed to the counts of the queries.
import Catalog
import Foundation
import Reporting
import Search
import SearchTypes
import ShardFile
import TesseraBase
import VectorCore

/// Microseconds of a query by its counts, at one size of memory.
package struct TimeLaw: Sendable, Equatable, Codable {
    /// Bytes of index that the queries were spread over.
    package var workingSet: Double
    package var fixed: Double
    package var rankedList: Double
    package var touchedShard: Double
    package var code: Double
    package var row: Double
    /// The 99th percentile relative to the median.
    package var tail: Double

    /// Predicted median, in microseconds.
    func median(_ work: QueryWork) -> Double {
        zip([fixed, rankedList, touchedShard, code, row], work.features)
            .reduce(0) { $0 + $1.0 * $1.1 }
    }
}

/// Laws at growing working sets.
package struct TimeModel: Sendable, Equatable, Codable {
    /// The laws, ascending by working set.
    package var laws: [TimeLaw]

    /// Predicted median of a query, in microseconds, for an index of `workingSet` bytes.
    ///
    /// Between two laws it is linear in the logarithm of the working set. Beyond the last it
    /// extrapolates from the last two.
    package func median(_ work: QueryWork, workingSet: Double) -> Double {
        let last = laws[laws.count - 1]
        guard laws.count > 1, workingSet > laws[0].workingSet else { return laws[0].median(work) }
        let upper = max(1, laws.firstIndex { $0.workingSet >= workingSet } ?? laws.count - 1)
        let (low, high) = (laws[upper - 1], laws[upper])
        let step = log(workingSet / low.workingSet) / log(high.workingSet / low.workingSet)
        let (before, after) = (low.median(work), high.median(work))
        guard workingSet > last.workingSet else { return before + (after - before) * step }
        return after * pow(max(1, after / before), max(0, step - 1))
    }

    /// The 99th percentile relative to the median.
    func tail(workingSet: Double) -> Double {
        (laws.first { $0.workingSet >= workingSet } ?? laws[laws.count - 1]).tail
    }
}

/// Times searches.
struct TimeProbe: Sendable {
    /// Each law is fitted to medians at these probe counts, refine depths and shares of offered
    /// shards.
    private static let probes = [4, 16, 48, 128]
    private static let depths = [20, 80, 320]
    private static let offered = [1, 0.4]
    /// Most copies of one law, relative to the law before.
    private static let growth = 4.0
    private static let mostCopies = 256

    let loaded: LoadedScale
    let pool: WorkPool
    let stop: StopSign
    let progress: ProgressHandler
    let seed: UInt64
    /// Rounds per timing; the fastest counts, since other processes use the machine too.
    var rounds = 3
    var mostQueries = Int.max

    /// Fits laws from the index alone up to `largest` bytes, or `budget` if that is less.
    func model(largest: Double, budget: Double) async throws(TesseraError) -> TimeModel {
        let own = Double(loaded.searcher.heldBytes)
        let most = max(1, min(largest, budget) / own)
        let copies = min(Self.mostCopies, Int(most.rounded(.up)))
        // Evenly spaced: two laws close to each other would extrapolate badly.
        let steps = (log(Double(copies)) / log(Self.growth)).rounded(.up)
        let counts =
            [1]
            + (0..<Int(steps)).map { Int(pow(Double(copies), Double($0 + 1) / steps).rounded()) }
        var searchers = [loaded.searcher]
        var laws: [TimeLaw] = []
        for (step, count) in counts.enumerated() {
            progress(
                ProgressUpdate(
                    phase: "timing searches", completed: step, total: counts.count, unit: "sizes"))
            while searchers.count < count {
                try stop.check()
                searchers.append(
                    try await VersionLoader.replica(
                        of: loaded.searcher, loaded.manifest, from: loaded.catalog, pool: pool))
            }
            laws.append(try await law(searchers))
        }
        return TimeModel(laws: laws)
    }

    /// Search parameters with their time.
    private struct Timing: Sendable {
        var work: QueryWork
        var median: Double
        var tail: Double
    }

    private func law(_ searchers: [IndexSearcher]) async throws(TesseraError) -> TimeLaw {
        let lists = loaded.lists
        let shards = loaded.index.shards.count
        let ways = Self.probes.filter { $0 <= lists || $0 == Self.probes[0] }.flatMap { nprobe in
            Self.depths.flatMap { depth in
                (shards > 2 ? Self.offered : [1]).map { (min(nprobe, lists), depth, $0) }
            }
        }
        var timings: [Timing] = []
        for (nprobe, depth, share) in ways {
            try stop.check()
            timings.append(
                try await pool.run { () throws(TesseraError) in
                    try timing(searchers, nprobe: nprobe, depth: depth, share: share)
                })
        }
        let x = NonNegativeFit.solve(timings.map(\.work.features), timings.map(\.median))
        let tails = timings.map(\.tail).sorted()
        return TimeLaw(
            workingSet: Double(loaded.searcher.heldBytes) * Double(searchers.count), fixed: x[0],
            rankedList: x[1], touchedShard: x[2], code: x[3], row: x[4],
            tail: Statistics.quantile(tails, 0.5))
    }

    /// Runs all queries one after the other on the calling thread, each on a random copy.
    private func timing(
        _ searchers: [IndexSearcher], nprobe: Int, depth: Int, share: Double
    ) throws(TesseraError) -> Timing {
        let options = loaded.options(nprobe: nprobe, refineDepth: depth, offeredShare: share)
        var random = SeededRandom(seed: seed, stream: UInt64(nprobe * 1000 + depth))
        var scratch = SearchScratch()
        var best: Timing?
        for round in 0...rounds {
            var sum = ReceiptSum()
            var times: [Double] = []
            for query in 0..<min(mostQueries, loaded.truth.queries.rows) {
                let searcher = searchers[Int.random(in: 0..<searchers.count, using: &random)]
                let watch = Stopwatch()
                let answer = try searcher.search(
                    loaded.truth.queries.row(query), options: options, scratch: &scratch)
                times.append(watch.elapsed.seconds * 1e6)
                sum.add(answer.receipt)
            }
            // The first round warms the caches.
            guard round > 0 else { continue }
            times.sort()
            let median = Statistics.quantile(times, 0.5)
            guard median < best?.median ?? .infinity else { continue }
            best = Timing(
                work: QueryWork(
                    MeanReceipt(sums: [sum]),
                    listsPerShard: loaded.listsPerShard),
                median: median, tail: Statistics.quantile(times, 0.99) / median)
        }
        guard let best else { throw TesseraError(.invalidArgument, "there are no queries to time") }
        return best
    }

    /// Median of one set of search parameters on the index itself, in microseconds.
    func median(nprobe: Int, refineDepth: Int) async throws(TesseraError) -> Double {
        try await pool.run { () throws(TesseraError) in
            try timing([loaded.searcher], nprobe: nprobe, depth: refineDepth, share: 1).median
        }
    }
}
