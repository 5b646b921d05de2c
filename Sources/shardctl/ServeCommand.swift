// serve: runs the HTTP server.
import ArgumentParser
import Catalog
import Coordinator
import Foundation
import Logging
import ObjectStore
import SearchTypes
import ServiceLifecycle
import Terminal
import TesseraBase

struct ServeCommand: ShardctlCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Answer searches over HTTP, with every index at its newest version.",
        discussion: """
            Prints the address it serves once it listens; /ready tells when every index answers. New versions are \
            taken up while it runs. SIGTERM ends it after the requests under way. docs/serving.md has the API.

            EXAMPLE
              shardctl serve --store file:///data/idx --port 8080
              curl localhost:8080/v1/indexes/photos/search -d '{"vector":[0.1,0.2],"k":5}'
            """)

    @OptionGroup var place: StoreOptions
    @Option(help: "An index to serve, repeatable; all that the store holds unless given.")
    var index: [String] = []
    @OptionGroup var listener: ListenOptions
    @OptionGroup var bounds: ServeLimitOptions
    @Option(parsing: .unconditional, help: "Seconds between checks for a new version.")
    var pollSeconds = 2.0
    @Option(
        parsing: .unconditional,
        help: "Megabytes of answers cached for repeated queries; 0 for none.")
    var responseCacheMegabytes = 0
    @Option(
        parsing: .unconditional,
        help: "Seconds after SIGTERM in which requests are still accepted, while /ready fails.")
    var drainSeconds = 1.0
    @OptionGroup var queryLog: QueryLogOptions
    @Flag(help: "Log every request, not only failures.")
    var accessLog = false
    @Option(help: "The least that is logged: debug, info, notice, warning or error.")
    var logLevel = "info"
    @OptionGroup var workers: WorkersOptions
    @OptionGroup var threads: ThreadOptions
    @Flag(help: .hidden)
    var answerConstant = false

    func perform() async throws(TesseraError) {
        let settings = try settings()
        try settings.checkSafety()
        guard let level = Logger.Level(rawValue: logLevel) else {
            throw TesseraError(
                .invalidArgument,
                "--log-level \(logLevel.prefix(20)) is not a log level; give debug, info, notice, warning or error"
            )
        }
        LoggingSystem.bootstrap { label in StreamLogHandler.standardError(label: label) }
        var logger = Logger(label: "shardctl")
        logger.logLevel = level
        let pool = try threads.pool()
        LoopExecutor.limitLoops(to: pool.width)
        let opened = try place.open()
        let provider = try workers.provider(place, opened, pool: pool, logger: logger)
        let server = try CoordinatorServer(
            settings, store: opened.uncached, provider: provider, logger: logger)
        let address = listener.address
        let group = try server.group(endsOnSignals: true) { port in
            try? Terminal.say("serving \(address):\(port)")
        }
        do {
            try await group.run()
        } catch {
            throw TesseraError(
                .unavailable, "serving \(address):\(listener.port) ended: \(error)")
        }
    }

    private func settings() throws(TesseraError) -> ServerSettings {
        var settings = ServerSettings()
        try listener.apply(to: &settings)
        settings.limits = try bounds.limits()
        settings.logsAccess = accessLog
        settings.answersConstant = answerConstant
        settings.seed = UInt64(Jitter.system.next() * 0x1p48)
        settings.watch.seed = settings.seed
        settings.queryLog = try queryLog.settings(seed: settings.seed)
        settings.watch.largestK = settings.limits.service.results
        if !index.isEmpty {
            var names: [IndexName] = []
            for name in index { names.append(try IndexName(name)) }
            settings.watch.indexes = names
        }
        settings.watch.interval = .seconds(
            try ServeLimitOptions.check("--poll-seconds", pollSeconds, 0.05...3600))
        settings.drain = .seconds(
            try ServeLimitOptions.check("--drain-seconds", drainSeconds, 0...600))
        let megabytes = try ServeLimitOptions.check(
            "--response-cache-megabytes", responseCacheMegabytes, 0...1_000_000)
        settings.responseCacheBytes = megabytes == 0 ? nil : megabytes * 1_000_000
        settings.measure = measurement(
            store: try place.open().uncached, width: try threads.pool().width,
            scratchFolder: FileManager.default.temporaryDirectory.path)
        return settings
    }
}

/// The address to listen on, and who may connect.
struct ListenOptions: ParsableArguments {
    @Option(help: "The address to listen on; others than this machine need keys and TLS.")
    var host = "127.0.0.1"
    @Option(parsing: .unconditional, help: "The port; 0 lets the system choose.")
    var port = 8080
    @Option(help: "A file of keys, 'read KEY' or 'admin KEY' a line, that only its owner can read.")
    var keys: String?
    @Option(help: "The certificate chain, PEM.")
    var tlsCertificate: String?
    @Option(help: "The certificate's key, PEM.")
    var tlsKey: String?
    @Flag(
        help:
            "Allow searching and publishing without key and encryption to all who can reach the port."
    )
    var insecure = false

    var address: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return "\(tlsCertificate == nil ? "http" : "https")://\(name)"
    }

    func apply(to settings: inout ServerSettings) throws(TesseraError) {
        settings.host = host
        settings.port = try ServeLimitOptions.check("--port", port, 0...65_535)
        settings.allowsAnyone = insecure
        if let keys { settings.keys = try AccessKeys(path: keys) }
        switch (tlsCertificate, tlsKey) {
        case (nil, nil): break
        case (let certificate?, let key?):
            settings.tls = TLSFiles(certificate: certificate, key: key)
        default:
            throw TesseraError(
                .invalidArgument, "--tls-certificate and --tls-key go together; give both")
        }
    }
}

/// What clients may ask for, and how many resources they may occupy.
struct ServeLimitOptions: ParsableArguments {
    @Option(parsing: .unconditional, help: "Results a query may ask for.")
    var maxK = 1000
    @Option(parsing: .unconditional, help: "Queries a request may carry.")
    var maxBatch = 1000
    @Option(parsing: .unconditional, help: "Megabytes of a request's body.")
    var maxBodyMegabytes = 64
    @Option(parsing: .unconditional, help: "Requests worked on at once.")
    var maxRunning = 256
    @Option(
        parsing: .unconditional, help: "Requests that may wait for that; more are answered 429.")
    var maxWaiting = 1024
    @Option(parsing: .unconditional, help: "Open connections.")
    var maxConnections = 4096
    @Option(
        parsing: .unconditional, help: "Milliseconds a search may take unless the request says so.")
    var deadlineMs = 30_000
    @Option(parsing: .unconditional, help: "Seconds a connection may be idle.")
    var idleSeconds = 75.0
    @Option(parsing: .unconditional, help: "Seconds the body of a request may take to arrive.")
    var bodySeconds = 20.0

    func limits() throws(TesseraError) -> ServerLimits {
        var limits = ServerLimits()
        limits.service.results = try Self.check("--max-k", maxK, 1...QueryLimits.largestK)
        limits.service.batch = try Self.check("--max-batch", maxBatch, 1...QueryLimits.largestBatch)
        limits.bodyBytes =
            try Self.check("--max-body-megabytes", maxBodyMegabytes, 1...4096) << 20
        limits.service.running = try Self.check("--max-running", maxRunning, 1...100_000)
        limits.service.waiting = try Self.check("--max-waiting", maxWaiting, 0...1_000_000)
        limits.connections = try Self.check("--max-connections", maxConnections, 1...1_000_000)
        limits.service.deadline = .milliseconds(
            try Self.check("--deadline-ms", deadlineMs, 1...600_000))
        limits.idleTime = .seconds(try Self.check("--idle-seconds", idleSeconds, 0.1...86_400))
        limits.bodyTime = .seconds(try Self.check("--body-seconds", bodySeconds, 0.1...86_400))
        return limits
    }

    static func check<Value: Comparable>(
        _ name: String, _ value: Value, _ range: ClosedRange<Value>
    ) throws(TesseraError) -> Value {
        guard range.contains(value) else {
            throw TesseraError(
                .invalidArgument,
                "\(name) \(value) is out of range; give \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }
}
