// The worker's RPCs: validation of messages, admission and answers.
//
// Invariant: a malformed message fails its own call and affects nothing else.
import Catalog
package import GRPCCore
import Search
package import SearchProtocol
import SearchTypes
import Synchronization
package import TesseraBase
import VectorCore

/// Most vectors in one request.
private let mostVectors = 1 << 16

/// Answers a coordinator's calls.
package final class ShardWorkerService: Sendable {
    private let versions: WorkerVersions
    /// Most searches under way at once. Further ones are refused, so that the coordinator asks
    /// another worker.
    let limit: Int
    private let underWay = Atomic(0)

    package init(versions: WorkerVersions, limit: Int) {
        self.versions = versions
        self.limit = limit
    }

    /// Answers the leaf requests of a message.
    ///
    /// - Throws: `invalidArgument` for a malformed message, `resourceExhausted` above the limit,
    ///   `notFound` for an unknown version, `unavailable` and `corrupted` where the store or a
    ///   shard fails.
    package func search(_ message: WireSearchRequest) async throws(TesseraError)
        -> WireSearchResponse
    {
        let begun = versions.clock.now()
        try enter()
        defer { underWay.subtract(1, ordering: .relaxed) }
        let request = try PartsRequest(message)
        let version = try await versions.version(request.version, of: request.index)
        try version.leaf.check(request)
        let answers = try await version.leaf.search(
            request, deadline: request.timeout.map { begun + $0 })
        return WireSearchResponse(answers)
    }

    /// Answers on the calling thread if the version is open and the search is short; nil otherwise.
    func searchHere(_ message: WireSearchRequest) throws(TesseraError) -> WireSearchResponse? {
        let begun = versions.clock.now()
        guard let version = versions.opened(Int(message.version), of: message.index),
            version.leaf.isShort(lists: message.lists.count)
        else { return nil }
        try enter()
        defer { underWay.subtract(1, ordering: .relaxed) }
        let request = try PartsRequest(message)
        try version.leaf.check(request)
        return try version.leaf.searchHere(
            request, deadline: request.timeout.map { begun + $0 }
        ).map(WireSearchResponse.init)
    }

    private func enter() throws(TesseraError) {
        guard underWay.add(1, ordering: .relaxed).newValue <= limit else {
            underWay.subtract(1, ordering: .relaxed)
            throw TesseraError(
                .resourceExhausted, "\(limit) searches are under way already; ask another worker")
        }
    }

    /// Brings shards into memory. Throws as ``search(_:)`` does.
    package func prepare(_ message: Tessera_Worker_V1_PrepareRequest)
        async throws(TesseraError) -> Tessera_Worker_V1_PrepareResponse
    {
        let version = try await versions.version(Int(message.version), of: message.index)
        versions.keep(Int(message.version), of: message.index)
        let ordinals = Set(message.shards.lazy.map { Int($0) }).sorted()
        guard ordinals.last ?? 0 < version.manifest.index.shards.count else {
            throw TesseraError(
                .invalidArgument,
                "there is no shard \(ordinals.last ?? 0) in version \(message.version)")
        }
        var answer = Tessera_Worker_V1_PrepareResponse()
        answer.residentShards = UInt32(
            clamping: try await version.leaf.prepare(ordinals))
        return answer
    }

    /// The stored vector of an id. Throws as ``search(_:)`` does, and `unsupported` if the index
    /// keeps no vectors.
    package func lookup(_ message: Tessera_Worker_V1_LookupRequest)
        async throws(TesseraError) -> Tessera_Worker_V1_LookupResponse
    {
        let version = try await versions.version(Int(message.version), of: message.index)
        let lookup = VectorLookup(manifest: version.manifest, catalog: version.catalog)
        var answer = Tessera_Worker_V1_LookupResponse()
        if let vector = try await lookup.vector(of: message.id) {
            answer.found = true
            answer.vector = WireFloats.data(vector)
        }
        return answer
    }
}

extension ShardWorkerService {
    /// The stored vectors of rows. Throws as ``lookup(_:)`` does, and `invalidArgument` for rows
    /// that do not exist.
    package func vectors(_ message: Tessera_Worker_V1_VectorsRequest)
        async throws(TesseraError) -> Tessera_Worker_V1_VectorsResponse
    {
        guard message.places.count <= mostVectors else {
            throw TesseraError(
                .invalidArgument,
                "\(message.places.count) vectors are too many for one request; request at most \(mostVectors)"
            )
        }
        let version = try await versions.version(Int(message.version), of: message.index)
        let lookup = VectorLookup(manifest: version.manifest, catalog: version.catalog)
        let vectors = try await lookup.vectors(
            at: message.places.map { NumericID(rawValue: $0) }, from: version.leaf.source)
        var answer = Tessera_Worker_V1_VectorsResponse()
        answer.vectors = WireFloats.data(vectors.flatMap { $0 })
        return answer
    }

    /// Counters of the tiers: memory, disk and store.
    package func statistics() -> Tessera_Worker_V1_StatisticsResponse {
        .init(TierReport(place: TierReport.here, versions.statistics))
    }
}

extension ShardWorkerService: Tessera_Worker_V1_ShardWorker.SimpleServiceProtocol {
    package func search(request: WireSearchRequest, context: ServerContext) async throws
        -> WireSearchResponse
    {
        try await elsewhere { () async throws(TesseraError) in try await search(request) }
    }

    package func prepare(request: Tessera_Worker_V1_PrepareRequest, context: ServerContext)
        async throws -> Tessera_Worker_V1_PrepareResponse
    {
        try await elsewhere { () async throws(TesseraError) in try await prepare(request) }
    }

    package func lookup(request: Tessera_Worker_V1_LookupRequest, context: ServerContext)
        async throws -> Tessera_Worker_V1_LookupResponse
    {
        try await elsewhere { () async throws(TesseraError) in try await lookup(request) }
    }

    package func vectors(request: Tessera_Worker_V1_VectorsRequest, context: ServerContext)
        async throws -> Tessera_Worker_V1_VectorsResponse
    {
        try await elsewhere { () async throws(TesseraError) in try await vectors(request) }
    }

    package func statistics(request: Tessera_Worker_V1_StatisticsRequest, context: ServerContext)
        async throws -> Tessera_Worker_V1_StatisticsResponse
    {
        statistics()
    }

    package func retire(request: Tessera_Worker_V1_RetireRequest, context: ServerContext)
        async throws -> Tessera_Worker_V1_RetireResponse
    {
        versions.retire(Int(request.version), of: request.index)
        return .init()
    }

    /// Runs `answer` off the event loop thread, which serves all connections.
    private func elsewhere<Answer: Sendable>(
        _ answer: () async throws(TesseraError) -> Answer
    ) async throws -> Answer {
        try await withTaskExecutorPreference(globalConcurrentExecutor) {
            do throws(TesseraError) { return try await answer() } catch { throw RPCError(error) }
        }
    }
}
