// Batch search on a pool of threads: each thread takes the next batch of queries until none is
// left.
package import SearchTypes
import Synchronization
package import TesseraBase
package import VectorCore
package import VectorIndex

/// Answers of a run by input order, with their latencies.
package struct BatchAnswers: Sendable {
    package let answers: [SearchAnswer]
    /// Time from the start of a query's batch to its answer; the queries of a batch are answered
    /// together.
    package let latencies: [Duration]
    /// Time from the start of the first query to the end of the last.
    package let elapsed: Duration

    package init(answers: [SearchAnswer], latencies: [Duration], elapsed: Duration) {
        self.answers = answers
        self.latencies = latencies
        self.elapsed = elapsed
    }
}

/// Searches one version, from memory or cold. The answers are the same.
package protocol VersionSearcher: Sendable {
    var engine: SearchEngine { get }
    var metric: Metric { get }
    /// Bytes of packed codes kept in memory.
    var codeBytes: Int { get }
    /// Bytes of everything else kept in memory for searching.
    var modelBytes: Int { get }

    /// Searches for every row of `queries`, `batch` rows at a time on each of the pool's threads.
    ///
    /// Answers do not depend on the number of threads or the size of batches.
    ///
    /// - Parameter filter: the rows to search; nil: all.
    func search(
        _ queries: Matrix, options: SearchOptions, filter: RowFilter?, pool: WorkPool, batch: Int
    ) async throws(TesseraError) -> BatchAnswers
}

extension VersionSearcher {
    /// Searches among all rows.
    package func search(
        _ queries: Matrix, options: SearchOptions, pool: WorkPool, batch: Int
    ) async throws(TesseraError) -> BatchAnswers {
        try await search(queries, options: options, filter: nil, pool: pool, batch: batch)
    }
}

/// A searcher that runs on the calling thread.
package protocol LaneSearcher: VersionSearcher {
    /// Searches for one query.
    func search(
        _ query: ArraySlice<Float>, options: SearchOptions, filter: RowFilter?,
        scratch: inout SearchScratch
    ) throws(TesseraError) -> SearchAnswer

    /// Searches for the queries of a batch, in any order, and passes the number and the answer of
    /// each to `answered`.
    func search(
        _ batch: Range<Int>, of queries: Matrix, options: SearchOptions, filter: RowFilter?,
        scratch: inout SearchScratch, answered: (Int, SearchAnswer) -> Void
    ) throws(TesseraError)
}

/// Fewest queries that are searched together; fewer share too little work.
let leastTogether = 32

extension LaneSearcher {
    /// Searches among all rows.
    package func search(
        _ query: ArraySlice<Float>, options: SearchOptions, scratch: inout SearchScratch
    ) throws(TesseraError) -> SearchAnswer {
        try search(query, options: options, filter: nil, scratch: &scratch)
    }

    /// Default: searches for one query after another.
    package func search(
        _ batch: Range<Int>, of queries: Matrix, options: SearchOptions, filter: RowFilter?,
        scratch: inout SearchScratch, answered: (Int, SearchAnswer) -> Void
    ) throws(TesseraError) {
        for query in batch {
            answered(
                query,
                try search(
                    queries.row(query), options: options, filter: filter, scratch: &scratch))
        }
    }

    package func search(
        _ queries: Matrix, options: SearchOptions, filter: RowFilter?, pool: WorkPool, batch: Int
    ) async throws(TesseraError) -> BatchAnswers {
        let queue = BatchQueue(count: queries.rows, batch: batch)
        let watch = Stopwatch()
        let lanes = try await pool.map(Array(0..<pool.width)) { _ throws(TesseraError) in
            try await pool.run { () throws(TesseraError) in
                try searchLane(
                    queries, options, filter, queue, share: queries.rows / pool.width + 1)
            }
        }
        let elapsed = watch.elapsed
        var inOrder = [Answered?](repeating: nil, count: queries.rows)
        for lane in lanes {
            for answered in lane { inOrder[answered.query] = answered }
        }
        return BatchAnswers(
            answers: inOrder.compactMap { $0?.answer },
            latencies: inOrder.compactMap { $0?.latency },
            elapsed: elapsed)
    }

    /// - Parameter share: expected number of queries of this lane.
    private func searchLane(
        _ queries: Matrix, _ options: SearchOptions, _ filter: RowFilter?, _ queue: BatchQueue,
        share: Int
    ) throws(TesseraError) -> [Answered] {
        var scratch = SearchScratch()
        var answered: [Answered] = []
        // Reserve, since growing the array would copy the answers.
        answered.reserveCapacity(share)
        var watch = Stopwatch()
        while let batch = queue.next() {
            // The query after this batch; this lane takes it unless another one does.
            SearchKernels.prefetch(queries, row: batch.upperBound)
            let first = answered.count
            if batch.count < leastTogether {
                for query in batch {
                    let answer = try search(
                        queries.row(query), options: options, filter: filter, scratch: &scratch)
                    answered.append(Answered(query: query, answer: answer))
                }
            } else {
                try search(
                    batch, of: queries, options: options, filter: filter, scratch: &scratch
                ) { answered.append(Answered(query: $0, answer: $1)) }
            }
            let latency = watch.lap()
            for index in first..<answered.count { answered[index].latency = latency }
        }
        return answered
    }
}

/// A query's answer on its way back from a lane.
private struct Answered: Sendable {
    let query: Int
    let answer: SearchAnswer
    var latency = Duration.zero
}

extension WorkPool {
    /// Runs `body` over `count` items in batches: each thread takes the next batch until none is
    /// left. Outputs come in no order.
    func drain<Output: Sendable>(
        _ count: Int, batch: Int,
        _ body: @escaping @Sendable (Range<Int>) throws(TesseraError) -> [Output]
    ) async throws(TesseraError) -> [Output] {
        let queue = BatchQueue(count: count, batch: batch)
        let lanes = try await map(Array(0..<min(width, count))) { _ throws(TesseraError) in
            try await self.run { () throws(TesseraError) in
                var outputs: [Output] = []
                while let batch = queue.next() { outputs += try body(batch) }
                return outputs
            }
        }
        return lanes.flatMap { $0 }
    }
}

/// Hands out consecutive batches of queries to lanes.
final class BatchQueue: Sendable {
    private let count: Int
    private let batch: Int
    private let position = Atomic(0)

    init(count: Int, batch: Int) {
        self.count = count
        self.batch = batch
    }

    /// The next batch; nil if none is left.
    func next() -> Range<Int>? {
        let start = position.add(batch, ordering: .relaxed).oldValue
        return start < count ? start..<min(start + batch, count) : nil
    }
}
