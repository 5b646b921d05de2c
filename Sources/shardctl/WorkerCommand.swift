// worker: holds shards in memory and searches them for coordinators.
import ArgumentParser
import Coordinator
import Logging
import ObjectStore
import Search
import Terminal
import TesseraBase
import Worker

struct WorkerCommand: ShardctlCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Hold shards in memory and search them for coordinators.",
        discussion: """
            Says where it listens in one line, then serves until SIGTERM or SIGINT: it tells its coordinators that it serves no \
            more, lets searches under way end, and exits. A worker keeps nothing of its own: shards come from the store, which \
            ones is the coordinators' choice. It speaks gRPC, with the standard health service beside its own.

            Without certificates it listens on this machine only, unless --insecure.

            EXAMPLE
              shardctl worker --store s3://bucket/indexes --listen 0.0.0.0:7171 \\
                --worker-certificate w.pem --worker-key w.key --worker-authority ca.pem
            """)

    @OptionGroup var place: StoreOptions
    @Option(help: "Address and port, host:port or [IPv6]:port; port 0 takes a free one.")
    var listen = "127.0.0.1:7171"
    @OptionGroup var memory: ServingMemoryOptions
    @Option(
        parsing: .unconditional,
        help: "Searches under way at once; more are refused. 64 for each thread unless given.")
    var maxSearches: Int?
    @Flag(help: "Listen on other than loopback addresses without certificates.")
    var insecure = false
    @OptionGroup var tls: WorkerTLSOptions
    @OptionGroup var threads: ThreadOptions

    func perform() async throws(TesseraError) {
        let settings = try serverSettings()
        let pool = try threads.pool()
        let limit = maxSearches ?? 64 * pool.width
        guard (1...1_000_000).contains(limit) else {
            throw TesseraError(
                .invalidArgument, "--max-searches \(limit) is out of range; give 1 to 1000000")
        }
        let opened = try place.open()
        let cache = ShardCache(budget: try memory.budget(), pool: pool)
        let heat = HeatKeeper(
            cache, in: memory.heatFolder(place).map { HeatFile(in: FileStore(root: $0)) })
        let versions = WorkerVersions(
            store: opened.store, disk: opened.cache, meter: opened.meter, pool: pool, cache: cache,
            heat: heat)
        let logger = Logger(label: "worker") { StreamLogHandler.standardError(label: $0) }
        let server = WorkerServer(settings, versions: versions, limit: limit, logger: logger) {
            host, port in
            try? Terminal.say("listening on \(WorkerAddress(host: host, port: port))")
        }
        do {
            try await server.runUntilSignalled()
        } catch {
            throw TesseraError(
                .unavailable, "the worker at \(listen) had to stop", cause: error)
        }
    }

    private func serverSettings() throws(TesseraError) -> WorkerServerSettings {
        let (host, port) = try Self.listenAddress(listen)
        let files = try tls.files()
        guard files != nil || insecure || Self.isLoopback(host) else {
            throw TesseraError(
                .invalidArgument,
                "\(listen) can be reached from elsewhere; give certificates, listen on 127.0.0.1, or add --insecure"
            )
        }
        return WorkerServerSettings(host: host, port: port, security: files)
    }

    /// Parses the address to listen on. Unlike a worker's address it may have port 0; the host is
    /// numeric.
    private static func listenAddress(_ text: String) throws(TesseraError) -> (String, Int) {
        if text.hasSuffix(":0") {
            return (try WorkerAddress(text.dropLast() + "1").host, 0)
        }
        let address = try WorkerAddress(text)
        return (address.host, address.port)
    }

    private static func isLoopback(_ host: String) -> Bool {
        host == "::1" || host.hasPrefix("127.")
    }
}
