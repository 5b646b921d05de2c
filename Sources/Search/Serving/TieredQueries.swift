// Requests answered from a version that is in memory in part: each shard from the nearest tier that has it.
import Catalog
import ObjectStore
import SearchTypes
import TesseraBase
import VectorCore

/// A version's shards, as far as a cache has them.
struct CachedShards: ShardResidents {
    let cache: ShardCache
    let version: VersionShards

    func held(_ ordinals: [Int]) -> LeasedShards { cache.held(ordinals, of: version) }
    func lease(_ ordinals: [Int]) async -> LeasedShards {
        await cache.lease(ordinals, of: version)
    }
}

/// Answers requests by a ``ColdSearcher`` over what is in memory, on disk and in the store.
struct TieredQueries: Sendable {
    /// Queries of one request that are under way at once for each thread: they wait more than they compute.
    private static let queriesPerThread = 4

    private let searcher: ColdSearcher
    private let isLocal: Bool
    private let width: Int

    /// Reads the router.
    init(
        _ manifest: Manifest, from catalog: Catalog, shards: CachedShards, pool: WorkPool,
        memoryBudget: Int
    ) async throws(TesseraError) {
        searcher = try await ColdSearcher(
            manifest, from: catalog, pool: pool, memoryBudget: memoryBudget, residents: shards)
        isLocal = catalog.store.isLocal
        width = Self.queriesPerThread * pool.width
    }

    /// One answer a query, in their order.
    func answer(_ request: SearchRequest) async throws(TesseraError) -> [BackendAnswer] {
        try await mapConcurrently(Array(0..<request.queries.rows), width: width) {
            query async throws(TesseraError) in
            guard try request.hasTime() else { return .none(request) }
            let row = Array(request.queries.row(query))
            guard let deadline = request.deadline else {
                return try await answer(row, request.options)
            }
            let raced = await SteadyClock.system.race(limit: deadline - SteadyClock.system.now()) {
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
        let trace = ReadTrace()
        let found = await ReadTrace.$current.withValue(trace) {
            await outcome { () async throws(TesseraError) in
                try await searcher.search(query, options: options)
            }
        }
        let answer = try found.get()
        return BackendAnswer(answer: answer, source: source(answer.receipt, trace))
    }

    /// The slowest tier the answer took anything from.
    private func source(_ receipt: Receipt, _ trace: ReadTrace) -> AnswerSource {
        if receipt.reads == 0 { return .ram }
        if isLocal { return .disk }
        return trace.fetched > 0 || trace.cached == 0 ? .store : .disk
    }
}
