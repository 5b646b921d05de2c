// A worker of a build that knows only the calls of the first protocol.
import Catalog
import Coordinator
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import ObjectStore
import Search
import SearchProtocol
import SearchTypes
import Synchronization
import TesseraBase
import Testing
import Worker

/// A worker that answers later calls with `unimplemented`.
private final class OldWorker: Tessera_Worker_V1_ShardWorker.SimpleServiceProtocol {
    private let service: ShardWorkerService
    private let searches = Atomic(0)

    init(_ store: FileStore) {
        let pool = WorkPool(width: 1)
        service = ShardWorkerService(
            versions: WorkerVersions(
                store: store, pool: pool, cache: ShardCache(budget: 1 << 28, pool: pool)),
            limit: 64)
    }

    var searchCount: Int { searches.load(ordering: .relaxed) }

    private static let unknown = RPCError(code: .unimplemented, message: "no such call")

    func prepare(request: Tessera_Worker_V1_PrepareRequest, context: ServerContext) async throws
        -> Tessera_Worker_V1_PrepareResponse
    {
        try await service.prepare(request: request, context: context)
    }

    func search(request: WireSearchRequest, context: ServerContext) async throws
        -> WireSearchResponse
    {
        searches.add(1, ordering: .relaxed)
        return try await service.search(request: request, context: context)
    }

    func lookup(request: Tessera_Worker_V1_LookupRequest, context: ServerContext) async throws
        -> Tessera_Worker_V1_LookupResponse
    {
        try await service.lookup(request: request, context: context)
    }

    func retire(request: Tessera_Worker_V1_RetireRequest, context: ServerContext) async throws
        -> Tessera_Worker_V1_RetireResponse
    {
        try await service.retire(request: request, context: context)
    }

    func searchMany(
        request: RPCAsyncSequence<Tessera_Worker_V1_NumberedSearch, any Error>,
        response: RPCWriter<Tessera_Worker_V1_NumberedAnswer>, context: ServerContext
    ) async throws { throw Self.unknown }

    func vectors(request: Tessera_Worker_V1_VectorsRequest, context: ServerContext) async throws
        -> Tessera_Worker_V1_VectorsResponse
    { throw Self.unknown }

    func statistics(request: Tessera_Worker_V1_StatisticsRequest, context: ServerContext)
        async throws -> Tessera_Worker_V1_StatisticsResponse
    { throw Self.unknown }
}

/// A health service that always serves.
private struct AlwaysServing: Grpc_Health_V1_Health.SimpleServiceProtocol {
    private var serving: Grpc_Health_V1_HealthCheckResponse {
        var response = Grpc_Health_V1_HealthCheckResponse()
        response.status = .serving
        return response
    }

    func check(request: Grpc_Health_V1_HealthCheckRequest, context: ServerContext) async throws
        -> Grpc_Health_V1_HealthCheckResponse
    { serving }

    func watch(
        request: Grpc_Health_V1_HealthCheckRequest,
        response: RPCWriter<Grpc_Health_V1_HealthCheckResponse>, context: ServerContext
    ) async throws {
        try await response.write(serving)
        try await Task.sleep(for: .seconds(3600))
    }
}

struct OldWorkerTests {
    @Test func `a worker of an older build is asked by the calls that it knows`() async throws {
        let index = try await StoredIndex(queries: 30)
        let old = OldWorker(index.store)
        let server = GRPCServer(
            transport: HTTP2ServerTransport.Posix(
                address: .ipv4(host: "127.0.0.1", port: 0), transportSecurity: .plaintext),
            services: [old, AlwaysServing()])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.serve() }
            defer { group.cancelAll() }
            let port = try #require(try await server.transport.listeningAddress.ipv4).port
            let address = WorkerAddress(host: "127.0.0.1", port: port)
            let local = try await index.local()
            try await index.withProvider(RemoteSettings(workers: .list([address]))) { provider in
                let backend = try await provider.open(index: StoredIndex.name, version: 1)
                for row in 0..<30 {
                    let answers = try await backend.search(index.request(row..<row + 1))
                    #expect(answers[0].share == 1)
                    #expect(answers[0].answer.hits == local[row].hits)
                }
                #expect(old.searchCount == 30)
                let hits = local[3].hits
                let vectors = try await backend.vectors(of: hits)
                for (hit, vector) in zip(hits, vectors) {
                    #expect(try await backend.vector(of: hit.id) == vector)
                }
                #expect(await provider.tierReports() == [])
            }
        }
    }
}
