// What a query takes on this machine, from the search itself: the index that was built is laid in memory several times, and each
// query goes to another copy, so that caches and page tables meet as much memory as a larger index would show them. Medians are
// then shared out among what queries look at.
import Catalog
import Foundation
import Reporting
import Search
import SearchTypes
import ShardFile
import TesseraBase
import VectorCore

/// Microseconds of a query by what it looks at, with so much memory around.
package struct TimeLaw: Sendable, Equatable, Codable {
    /// Bytes of index that queries were spread over.
    package var workingSet: Double
    package var fixed: Double
    package var rankedList: Double
    package var touchedShard: Double
    package var code: Double
    package var row: Double
    /// The 99th percentile over the median.
    package var tail: Double

    /// The median, in microseconds.
    func median(_ work: QueryWork) -> Double {
        zip([fixed, rankedList, touchedShard, code, row], work.features)
            .reduce(0) { $0 + $1.0 * $1.1 }
    }
}

/// Laws at growing working sets.
package struct TimeModel: Sendable, Equatable, Codable {
    /// Ascending by working set.
    package var laws: [TimeLaw]

    /// The median of a query, in microseconds, where the index takes `workingSet` bytes.
    ///
    /// Between two laws straight in the logarithm of the working set. Beyond the last, as between the last two.
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

    /// The 99th percentile over the median.
    func tail(workingSet: Double) -> Double {
        (laws.first { $0.workingSet >= workingSet } ?? laws[laws.count - 1]).tail
    }
}

/// Times searches.
struct TimeProbe: Sendable {
    /// Each law is fitted to medians of these: lists scanned, candidates, share of the shards offered.
    private static let probes = [4, 16, 48, 128]
    private static let depths = [20, 80, 320]
    private static let offered = [1, 0.4]
    /// Copies of a law over those of the one before, at most.
    private static let growth = 4.0
    private static let mostCopies = 256

    let loaded: LoadedScale
    let pool: WorkPool
    let stop: StopSign
    let progress: ProgressHandler
    let seed: UInt64
    /// Others use the machine too: the least disturbed of so many.
    var rounds = 3
    var mostQueries = Int.max

    /// Laws from the index alone up to `largest` bytes, or `budget` where that is less.
    func model(largest: Double, budget: Double) async throws(TesseraError) -> TimeModel {
        let own = Double(loaded.searcher.heldBytes)
        let most = max(1, min(largest, budget) / own)
        let copies = min(Self.mostCopies, Int(most.rounded(.up)))
        // Evenly apart: two laws close to one another would say little about what lies beyond them.
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

    /// One way to search, and what came of it.
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

    /// All queries one after the other on the calling thread, each in a copy that a draw names.
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
            // The first brings code and memory in.
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

    /// The median of one way to search the index itself, in microseconds.
    func median(nprobe: Int, refineDepth: Int) async throws(TesseraError) -> Double {
        try await pool.run { () throws(TesseraError) in
            try timing([loaded.searcher], nprobe: nprobe, depth: refineDepth, share: 1).median
        }
    }
}
