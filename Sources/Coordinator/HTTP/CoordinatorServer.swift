// The whole server: Hummingbird accepts connections, surfaces answer, the watcher keeps versions
// current.
//
// Shutdown after SIGTERM, in this order: requests are still answered for a moment while clients are
// told to close; no new connection begins, and those that had begun are accepted; the server stops
// listening and answers the requests under way; versions are retired.
import HummingbirdCore
import HummingbirdTLS
package import Logging
import NIOCore
import NIOPosix
import NIOSSL
package import ObjectStore
package import SearchTypes
package import ServiceLifecycle
package import TesseraBase
import UnixSignals

/// The server of `shardctl serve`, without the command line.
package struct CoordinatorServer: Sendable {
    /// The service that all surfaces stand on. A surface that is not spoken over HTTP calls it too.
    package let service: SearchService
    private let settings: ServerSettings
    private let provider: any BackendProvider
    private let logger: Logger
    private let closing = Closing()
    private let listener = Listener()

    /// - Parameters:
    ///   - store: holds the indexes; not cached, so that new versions are seen.
    ///   - provider: makes versions searchable.
    /// - Throws: `invalidArgument` for settings that would serve strangers without keys,
    ///   `unavailable` if the folder of the query log cannot be made.
    package init(
        _ settings: ServerSettings, store: any ObjectStore, provider: any BackendProvider,
        logger: Logger
    ) throws(TesseraError) {
        try settings.checkSafety()
        self.settings = settings
        self.provider = provider
        self.logger = logger
        service = SearchService(
            ServedIndexes(store: store, clock: settings.clock), limits: settings.limits.service,
            statistics: ServiceStatistics(clock: settings.clock),
            cacheBytes: settings.responseCacheBytes,
            queryLog: try settings.queryLog.map { settings throws(TesseraError) in
                try QueryLog(settings)
            },
            measure: settings.measure, tierReports: { await provider.tierReports() },
            clock: settings.clock)
    }

    /// The server's services, in starting order; they shut down in the opposite order.
    ///
    /// - Parameters:
    ///   - endsOnSignals: whether SIGTERM and SIGINT end it.
    ///   - onListening: called once with the port.
    /// - Throws: `invalidArgument` if the certificate or its key cannot be used.
    package func group(
        endsOnSignals: Bool, onListening: @escaping @Sendable (Int) async -> Void
    ) throws(TesseraError) -> ServiceGroup {
        let drain = Drain(
            closing: closing, listener: listener, time: settings.drain, clock: settings.clock,
            logger: logger)
        let watcher = VersionWatcher(
            service.indexes, provider: provider, settings: settings.watch, clock: settings.clock,
            logger: logger)
        let writer = service.queryLog.map {
            QueryLogService($0, service.indexes, clock: settings.clock, logger: logger)
        }
        var configuration = ServiceGroupConfiguration(
            // The provider and the query log start before the server and end after it, since it
            // uses both.
            services: [provider as? any Service, writer].compactMap { $0 }
                .map { .init(service: $0) } + [
                    .init(service: watcher),
                    .init(service: try application(onListening: onListening)),
                    .init(service: drain),
                ],
            gracefulShutdownSignals: endsOnSignals ? [.sigterm, .sigint] : [], logger: logger)
        configuration.maximumGracefulShutdownDuration = settings.drain + settings.shutdown
        return ServiceGroup(configuration: configuration)
    }

    private func application(
        onListening: @escaping @Sendable (Int) async -> Void
    ) throws(TesseraError) -> any Service {
        let limits = settings.limits
        let connections = ConnectionCount(most: limits.connections)
        let responder = responder(connections)
        var quiet = logger
        quiet.logLevel = max(.warning, logger.logLevel)
        do {
            return try http(limits).buildServer(
                configuration: ServerConfiguration(
                    address: .hostname(settings.host, port: settings.port), backlog: 1024,
                    availableConnectionsDelegate: connections),
                eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: quiet,
                responder: { request, writer, _ in
                    let response = await responder.respond(to: request)
                    try await writer.write(response: response.head, body: response.body)
                },
                onServerRunning: { [listener] channel in
                    await listener.listens(on: channel)
                    await onListening(channel.localAddress?.port ?? 0)
                })
        } catch {
            throw error as? TesseraError
                ?? TesseraError(.unavailable, "the server cannot be set up", cause: error)
        }
    }

    private func responder(_ connections: ConnectionCount) -> Responder {
        let statuses = StatusCounts()
        return Responder(
            native: NativeAPI(
                service: service, statuses: statuses, connections: connections, closing: closing,
                answersConstant: settings.answersConstant),
            others: settings.surfaces.map { $0(service) }, keys: settings.keys,
            traces: TraceSource(seed: settings.seed), statuses: statuses, logger: logger,
            logsAccess: settings.logsAccess, bodyBytes: settings.limits.bodyBytes,
            clock: settings.clock)
    }

    private func http(_ limits: ServerLimits) throws(TesseraError) -> HTTPServerBuilder {
        let closing = closing
        let plain = HTTPServerBuilder { responder in
            LoopChannel(
                base: HTTP1Channel(
                    responder: responder,
                    configuration: .init(
                        additionalChannelHandlers: [ConnectionGuard(limits, closing)],
                        httpDecoderConfiguration: .init(
                            maxHeaderFieldSize: 16 << 10, maxHeaderListSize: 32 << 10,
                            maxHeaderFieldCount: 100))))
        }
        guard let tls = settings.tls else { return plain }
        do {
            let chain = try NIOSSLCertificate.fromPEMFile(tls.certificate)
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain.map { .certificate($0) },
                privateKey: .privateKey(try NIOSSLPrivateKey(file: tls.key, format: .pem)))
            configuration.minimumTLSVersion = .tlsv12
            return try .tls(plain, tlsConfiguration: configuration)
        } catch {
            throw TesseraError(
                .invalidArgument,
                "the certificate \(tls.certificate) and the key \(tls.key) cannot be used; both must be PEM files that belong together",
                cause: error)
        }
    }
}

/// The first service to shut down: tells clients to close while everything still works.
private struct Drain: Service {
    /// Time to accept connections that had begun when the listener stopped taking new ones.
    private static let acceptTime = Duration.milliseconds(100)

    let closing: Closing
    let listener: Listener
    let time: Duration
    let clock: SteadyClock
    let logger: Logger

    func run() async throws {
        try? await gracefulShutdown()
        closing.begin()
        logger.info("closing", metadata: ["drain_s": "\(time.seconds)"])
        try? await clock.sleep(time)
        await listener.refuseNewcomers()
        try? await clock.sleep(Self.acceptTime)
    }
}
