// Answers requests from a version that is partly in memory: each shard from the fastest tier that
// has it.
import SearchTypes
import TesseraBase
import VectorCore

/// Answers requests with a ``ColdSearcher`` over memory, disk and store.
struct TieredQueries: Sendable {
    /// Queries of one request under way per thread: they wait more than they compute.
    private static let queriesPerThread = 4

    private let searcher: ColdSearcher
    private let width: Int
    private let clock: SteadyClock

    init(_ searcher: ColdSearcher, pool: WorkPool, clock: SteadyClock) {
        self.searcher = searcher
        self.clock = clock
        width = Self.queriesPerThread * pool.width
    }

    /// One answer per query, in input order.
    func answer(_ request: SearchRequest) async throws(TesseraError) -> [BackendAnswer] {
        try await mapConcurrently(Array(0..<request.queries.rows), width: width) {
            query async throws(TesseraError) in
            guard try request.hasTime(clock) else { return .none(request) }
            let row = Array(request.queries.row(query))
            guard let deadline = request.deadline else {
                return try await answer(row, request.options)
            }
            let raced = await clock.race(limit: deadline - clock.now()) {
                () async throws(TesseraError) in try await answer(row, request.options)
            }
            if let raced { return try raced.get() }
            guard request.allowPartial else { throw SearchRequest.late }
            return .none(request)
        }
    }

    private func answer(_ query: [Float], _ options: SearchOptions) async throws(TesseraError)
        -> BackendAnswer
    {
        let found = try await searcher.answer(query, options)
        return BackendAnswer(answer: found.answer, source: found.source)
    }
}
