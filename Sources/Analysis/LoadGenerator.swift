// Sends queries as load: as fast as they are answered (closed loop, for throughput), or at given
// times whatever the answers take (open loop, for latency).
//
// In the open loop the latency of a query counts from when it was due, not from when a lane was
// free for it. A slow closed loop sends fewer queries and so leaves out the worst latencies, which
// Tene calls coordinated omission.
import Foundation
package import Reporting
package import Search
package import SearchTypes
import Synchronization
package import TesseraBase
package import VectorCore

/// The result of a load.
package struct LoadResult: Sendable {
    /// Seconds each answered query took, in no particular order.
    package let latencies: [Double]
    /// Seconds from the first query to the last answer.
    package let elapsed: Double
    /// Mean counts per query.
    package let work: MeanReceipt

    package var queriesPerSecond: Double { Double(latencies.count) / max(elapsed, 1e-9) }
}

/// Sends queries to one searcher, repeating them in order.
package struct LoadGenerator: Sendable {
    /// Open loops are cut off at this number of arrivals.
    package static let mostArrivals = 500_000
    /// Shorter waits spin on the clock, because sleeping overshoots.
    private static let spin = Duration.microseconds(200)

    private let searcher: any VersionSearcher
    private let queries: Matrix
    private let options: SearchOptions
    private let pool: WorkPool
    private let stop: StopSign
    private let clock: SteadyClock

    /// Prepares a load.
    ///
    /// - Parameters:
    ///   - concurrency: queries in flight, each on its own thread.
    ///   - clock: decides when queries are due, and times them.
    package init(
        _ searcher: any VersionSearcher, _ queries: Matrix, options: SearchOptions,
        concurrency: Int, stop: StopSign, clock: SteadyClock = .system
    ) {
        self.searcher = searcher
        self.queries = queries
        self.options = options
        self.stop = stop
        self.clock = clock
        pool = WorkPool(width: concurrency)
    }

    /// Runs a closed loop for `seconds`: each lane sends its next query when the last one is
    /// answered.
    package func closedLoop(seconds: Double) async throws(TesseraError) -> LoadResult {
        let next = Atomic(0)
        let end = clock.now() + .seconds(seconds)
        return try await run { () throws(TesseraError) -> Due? in
            try stop.check()
            let now = clock.now()
            let number = next.add(1, ordering: .relaxed).oldValue
            // Each lane sends at least one query, however short the time.
            guard now < end || number < pool.width else { return nil }
            return Due(number: number % queries.rows, at: now)
        }
    }

    /// Runs an open loop.
    ///
    /// - Parameter arrivals: seconds from the start at which queries are due, ascending. Lanes take
    ///   them in that order.
    package func openLoop(at arrivals: [Double]) async throws(TesseraError) -> LoadResult {
        let next = Atomic(0)
        let start = clock.now()
        return try await run { () throws(TesseraError) -> Due? in
            let number = next.add(1, ordering: .relaxed).oldValue
            guard number < arrivals.count else { return nil }
            let due = start + .seconds(arrivals[number])
            try waitUntil(due)
            return Due(number: number % queries.rows, at: due)
        }
    }

    private func waitUntil(_ due: SteadyClock.Instant) throws(TesseraError) {
        while true {
            try stop.check()
            let left = due - clock.now()
            guard left > .zero else { return }
            // Wake now and then to check the stop sign.
            if left > Self.spin {
                Thread.sleep(forTimeInterval: min((left - Self.spin).seconds, 0.05))
            }
        }
    }

    /// A query, and the time its latency counts from.
    private struct Due {
        let number: Int
        let at: SteadyClock.Instant
    }

    private func run(_ take: @escaping @Sendable () throws(TesseraError) -> Due?)
        async throws(TesseraError) -> LoadResult
    {
        let start = clock.now()
        let lanes = try await pool.map(Array(0..<pool.width)) { _ throws(TesseraError) in
            guard let resident = searcher as? any LaneSearcher else {
                return try await waitingLane(take)
            }
            return try await pool.run { () throws(TesseraError) in
                try lane(resident, take)
            }
        }
        let elapsed = (clock.now() - start).seconds
        return LoadResult(
            latencies: lanes.flatMap(\.latencies), elapsed: elapsed,
            work: MeanReceipt(sums: lanes.map(\.sum)))
    }

    private struct Lane: Sendable {
        var latencies: [Double] = []
        var sum = ReceiptSum()
    }

    private func lane(
        _ searcher: any LaneSearcher, _ take: () throws(TesseraError) -> Due?
    ) throws(TesseraError) -> Lane {
        var lane = Lane()
        var scratch = SearchScratch()
        while let due = try take() {
            let answer = try searcher.search(
                queries.row(due.number), options: options, scratch: &scratch)
            lane.latencies.append((clock.now() - due.at).seconds)
            lane.sum.add(answer.receipt)
        }
        return lane
    }

    /// A lane whose queries wait for a store, on the searcher's own threads.
    private func waitingLane(_ take: @escaping @Sendable () throws(TesseraError) -> Due?)
        async throws(TesseraError) -> Lane
    {
        var lane = Lane()
        // Waiting for a due query blocks, so it runs on a thread of the pool.
        while let due = try await pool.run(take) {
            let query = Matrix(
                rows: 1, columns: queries.columns, elements: Array(queries.row(due.number)))
            let result = try await searcher.search(query, options: options, pool: pool, batch: 1)
            lane.latencies.append((clock.now() - due.at).seconds)
            for answer in result.answers { lane.sum.add(answer.receipt) }
        }
        return lane
    }
}
