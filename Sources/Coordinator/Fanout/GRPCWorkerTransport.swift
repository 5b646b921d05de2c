// The connection to a worker by gRPC over HTTP/2, in the clear or with mutual TLS.
//
// Everything of a connection happens on one event loop.
package import GRPCCore
import GRPCNIOTransportHTTP2Posix
import NIOCore
import NIOPosix
package import SearchProtocol
import SearchTypes
package import TesseraBase

/// A gRPC client of one worker.
package struct GRPCWorkerTransport: WorkerTransport {
    private typealias Transport = HTTP2ClientTransport.Posix

    package let executor: any TaskExecutor
    private let client: GRPCClient<Transport>

    private var worker: Tessera_Worker_V1_ShardWorker.Client<Transport> {
        Tessera_Worker_V1_ShardWorker.Client(wrapping: client)
    }

    /// - Parameter serverName: the name in the worker's certificate, if that is not the address's
    ///   host.
    /// - Throws: `invalidArgument` if the certificates cannot be used.
    package init(_ address: WorkerAddress, security: MutualTLS?, serverName: String?)
        throws(TesseraError)
    {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        executor = LoopExecutor(loop)
        var config = Transport.Config.defaults
        config.backoff = .init(
            initial: .milliseconds(100), max: .seconds(2), multiplier: 1.6, jitter: 0.2)
        config.connection.keepalive = .init(
            time: .seconds(10), timeout: .seconds(5), allowWithoutCalls: true)
        config.connection.flushCoalescing = nil
        config.http2.authority = serverName
        do {
            client = GRPCClient(
                transport: try Transport(
                    target: Self.target(address),
                    transportSecurity: Self.security(security), config: config,
                    eventLoopGroup: loop))
        } catch {
            throw TesseraError(
                .invalidArgument, "no connection to worker \(address) can be made", cause: error)
        }
    }

    /// The target of an address. A numeric host must not be looked up, neither by DNS nor by TLS.
    private static func target(_ address: WorkerAddress) -> any ResolvableTarget {
        if address.host.contains(":") {
            return .ipv6(address: address.host, port: address.port)
        }
        if address.host.allSatisfy({ $0.isNumber || $0 == "." }) {
            return .ipv4(address: address.host, port: address.port)
        }
        return .dns(host: address.host, port: address.port)
    }

    private static func security(_ files: MutualTLS?) -> Transport.TransportSecurity {
        guard let files else { return .plaintext }
        return .mTLS(
            certificateChain: [.file(path: files.certificate, format: .pem)],
            privateKey: .file(path: files.key, format: .pem)
        ) { config in
            config.trustRoots = .certificates([.file(path: files.authority, format: .pem)])
        }
    }

    package func run() async {
        try? await client.runConnections()
    }

    package func watchHealth(
        _ changed: @escaping @Sendable (_ isServing: Bool) async -> Void
    ) async throws(RPCError) {
        let health = Grpc_Health_V1_Health.Client(wrapping: client)
        try await Self.rpc {
            try await health.watch(.init()) { response in
                for try await message in response.messages {
                    await changed(message.status == .serving)
                }
            }
        }
    }

    package func searchMany(
        _ outbox: AsyncStream<Tessera_Worker_V1_NumberedSearch>,
        _ take: @escaping @Sendable (Tessera_Worker_V1_NumberedAnswer) -> Void
    ) async throws(RPCError) {
        try await Self.rpc {
            try await worker.searchMany(options: Self.options(nil)) { writer in
                for await message in outbox { try await writer.write(message) }
            } onResponse: { response in
                for try await answer in response.messages { take(answer) }
            }
        }
    }

    package func search(
        _ request: WireSearchRequest, timeout: Duration
    ) async throws(RPCError) -> WireSearchResponse {
        try await Self.rpc {
            try await worker.search(request, options: Self.options(timeout))
        }
    }

    package func prepare(
        _ request: Tessera_Worker_V1_PrepareRequest, timeout: Duration
    ) async throws(RPCError) -> Tessera_Worker_V1_PrepareResponse {
        try await Self.rpc {
            try await worker.prepare(request, options: Self.options(timeout))
        }
    }

    package func lookup(
        _ request: Tessera_Worker_V1_LookupRequest, timeout: Duration
    ) async throws(RPCError) -> Tessera_Worker_V1_LookupResponse {
        try await Self.rpc {
            try await worker.lookup(request, options: Self.options(timeout))
        }
    }

    package func vectors(
        _ request: Tessera_Worker_V1_VectorsRequest, timeout: Duration
    ) async throws(RPCError) -> Tessera_Worker_V1_VectorsResponse {
        try await Self.rpc {
            try await worker.vectors(request, options: Self.options(timeout))
        }
    }

    package func statistics(
        timeout: Duration
    ) async throws(RPCError) -> Tessera_Worker_V1_StatisticsResponse {
        try await Self.rpc {
            try await worker.statistics(.init(), options: Self.options(timeout))
        }
    }

    package func retire(
        _ request: Tessera_Worker_V1_RetireRequest, timeout: Duration
    ) async throws(RPCError) {
        _ = try await Self.rpc {
            try await worker.retire(request, options: Self.options(timeout))
        }
    }

    private static func options(_ timeout: Duration?) -> CallOptions {
        var options = CallOptions.defaults
        options.timeout = timeout
        options.waitForReady = false
        options.maxRequestMessageBytes = WireLimits.message
        options.maxResponseMessageBytes = WireLimits.message
        return options
    }

    /// Runs a call; an error that is not gRPC's own means that the worker cannot be reached.
    private static func rpc<Value>(
        _ call: () async throws -> Value
    ) async throws(RPCError) -> Value {
        do {
            return try await call()
        } catch {
            throw error as? RPCError ?? RPCError(code: .unavailable, message: "\(error)")
        }
    }
}
