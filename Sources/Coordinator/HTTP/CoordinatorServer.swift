// The server put together: Hummingbird in front, the watcher behind, both ending in order.
//
// Ending: on SIGTERM requests are still answered for a moment while clients are told to close; then no connection begins,
// those that had begun are accepted; then nobody listens, and whatever was asked is answered; then versions are retired.
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

/// `shardctl serve` without the command line.
package struct CoordinatorServer: Sendable {
    package let indexes: ServedIndexes
    package let statistics = ServerStatistics()
    private let settings: ServerSettings
    private let provider: any BackendProvider
    private let logger: Logger
    private let closing = Closing()
    private let queryLog: QueryLog?
    private let listener = Listener()

    /// - Parameters:
    ///   - store: holds the indexes; without a cache.
    ///   - provider: makes versions searchable.
    /// - Throws: `invalidArgument` where the settings would let anybody in, `unavailable` where queries are to be recorded in
    ///   a folder that cannot be made.
    package init(
        _ settings: ServerSettings, store: any ObjectStore, provider: any BackendProvider,
        logger: Logger
    ) throws(TesseraError) {
        try settings.checkSafety()
        self.settings = settings
        self.provider = provider
        self.logger = logger
        indexes = ServedIndexes(store: store)
        queryLog = try settings.queryLog.map { settings throws(TesseraError) in
            try QueryLog(settings)
        }
    }

    /// The services of the server; they end from the last to the first.
    ///
    /// - Parameters:
    ///   - endsOnSignals: whether SIGTERM and SIGINT end it.
    ///   - onListening: called once with the port.
    /// - Throws: `invalidArgument` where the certificate or its key cannot be used.
    package func group(
        endsOnSignals: Bool, onListening: @escaping @Sendable (Int) async -> Void
    ) throws(TesseraError) -> ServiceGroup {
        let drain = Drain(
            closing: closing, listener: listener, time: settings.drain, logger: logger)
        let watcher = VersionWatcher(
            indexes, provider: provider, settings: settings.watch, logger: logger)
        let writer = queryLog.map { QueryLogService($0, indexes, logger: logger) }
        var configuration = ServiceGroupConfiguration(
            // Whoever answers for the server is there before it and after it, and so is who writes down what it was asked.
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
        let connections = ConnectionCount(most: settings.limits.connections)
        let limits = settings.limits
        let handler = APIHandler(
            indexes: indexes,
            search: SearchHandler(
                indexes: indexes,
                gate: AdmissionGate(places: limits.running, seats: limits.waiting),
                statistics: statistics,
                cache: settings.responseCacheBytes.map(ResponseCache.init(budget:)),
                queryLog: queryLog, limits: limits),
            statistics: statistics, settings: settings, connections: connections,
            tierReports: { [provider] in await provider.tierReports() }, closing: closing)
        let responder = Responder(
            handler: handler, keys: settings.keys, traces: TraceSource(seed: settings.seed),
            logger: logger, logsAccess: settings.logsAccess, bodyBytes: limits.bodyBytes)
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
                "the certificate \(tls.certificate) and the key \(tls.key) cannot be used; both must be PEM and fit",
                cause: error)
        }
    }
}

/// The first service to end: says goodbye while all still works.
private struct Drain: Service {
    /// For connections that had begun to be established and accepted.
    private static let acceptTime = Duration.milliseconds(100)

    let closing: Closing
    let listener: Listener
    let time: Duration
    let logger: Logger

    func run() async throws {
        try? await gracefulShutdown()
        closing.begin()
        logger.info("closing", metadata: ["drain_s": "\(time.inSeconds)"])
        try? await Task.sleep(for: time)
        await listener.refuseNewcomers()
        try? await Task.sleep(for: Self.acceptTime)
    }
}
