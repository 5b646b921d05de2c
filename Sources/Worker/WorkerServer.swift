// A worker as a service: listens, answers, and drains on shutdown.
import GRPCCore
import GRPCNIOTransportHTTP2Posix
package import Logging
import NIOCore
import NIOPosix
package import SearchProtocol
import SearchTypes
import ServiceLifecycle
import TesseraBase
import UnixSignals

/// Address, security and intervals of a worker's server.
package struct WorkerServerSettings: Sendable {
    package var host: String
    /// 0 for any free port.
    package var port: Int
    package var security: MutualTLS?
    /// Delay between reporting "not serving" and refusing calls, in which coordinators learn of it.
    package var drainDelay = Duration.milliseconds(500)
    /// Interval at which unused versions are closed.
    package var sweepInterval = Duration.seconds(10)

    package init(host: String, port: Int, security: MutualTLS? = nil) {
        self.host = host
        self.port = port
        self.security = security
    }
}

/// Serves the shard worker's RPCs and the health service.
package struct WorkerServer: Service {
    private let settings: WorkerServerSettings
    private let versions: WorkerVersions
    private let service: ShardWorkerService
    private let logger: Logger
    private let listening: @Sendable (_ host: String, _ port: Int) -> Void

    /// - Parameters:
    ///   - limit: most searches under way at once.
    ///   - listening: called with the address once calls are accepted.
    package init(
        _ settings: WorkerServerSettings, versions: WorkerVersions, limit: Int, logger: Logger,
        listening: @escaping @Sendable (_ host: String, _ port: Int) -> Void
    ) {
        self.settings = settings
        self.versions = versions
        service = ShardWorkerService(versions: versions, limit: limit)
        self.logger = logger
        self.listening = listening
    }

    package func run() async throws {
        // One thread does the I/O of all connections, and answers searches that are cheaper than a
        // handover.
        let threads = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(
                try await withTaskExecutorPreference(LoopExecutor(threads.next())) {
                    try await serve(on: threads)
                })
        } catch {
            outcome = .failure(error)
        }
        try? await threads.shutdownGracefully()
        try outcome.get()
    }

    private func serve(on threads: MultiThreadedEventLoopGroup) async throws {
        let health = HealthService()
        let server = GRPCServer(
            transport: transport(threads), services: [service, health])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.serve() }
            group.addTask { try await self.announce(server) }
            group.addTask { await self.sweep() }
            group.addTask { await self.versions.keepHeat() }
            group.addTask {
                try? await gracefulShutdown()
                self.logger.info("draining")
                health.stopServing()
                try? await self.versions.clock.sleep(self.settings.drainDelay)
                server.beginGracefulShutdown()
            }
            // serve() ends last on a clean shutdown, and first when it cannot listen.
            do {
                while try await group.next() != nil {}
                await versions.saveHeat()
            } catch {
                group.cancelAll()
                throw error
            }
        }
    }

    /// Serves until SIGTERM or SIGINT. Throws the error of a service that fails before.
    package func runUntilSignalled() async throws {
        let group = ServiceGroup(
            services: [self], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        try await group.run()
    }

    private func announce(_ server: GRPCServer<HTTP2ServerTransport.Posix>) async throws {
        guard let address = try? await server.transport.listeningAddress else { return }
        if let address = address.ipv4 { listening(address.host, address.port) }
        if let address = address.ipv6 { listening(address.host, address.port) }
    }

    private func sweep() async {
        try? await cancelWhenGracefulShutdown {
            while true {
                try await self.versions.clock.sleep(self.settings.sweepInterval)
                let count = self.versions.sweep()
                if count > 0 {
                    self.logger.info(
                        "closed unused versions", metadata: ["versions": "\(count)"])
                }
            }
        }
    }

    private func transport(
        _ threads: MultiThreadedEventLoopGroup
    ) -> HTTP2ServerTransport.Posix {
        var config = HTTP2ServerTransport.Posix.Config.defaults
        config.rpc.maxRequestPayloadSize = WireLimits.message
        config.connection.flushCoalescing = nil
        config.connection.keepalive.clientBehavior = .init(
            minPingIntervalWithoutCalls: .seconds(5), allowWithoutCalls: true)
        config.connection.maxGraceTime = .seconds(30)
        config.http2.maxConcurrentStreams = 1024
        return HTTP2ServerTransport.Posix(
            address: settings.host.contains(":")
                ? .ipv6(host: settings.host, port: settings.port)
                : .ipv4(host: settings.host, port: settings.port),
            transportSecurity: security, config: config, eventLoopGroup: threads)
    }

    private var security: HTTP2ServerTransport.Posix.TransportSecurity {
        guard let files = settings.security else { return .plaintext }
        return .mTLS(
            certificateChain: [.file(path: files.certificate, format: .pem)],
            privateKey: .file(path: files.key, format: .pem)
        ) { config in
            config.trustRoots = .certificates([.file(path: files.authority, format: .pem)])
            config.requireALPN = true
        }
    }
}
