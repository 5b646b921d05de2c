// The log of live queries: one for each index, and the service that writes them all.
//
// Invariants: searches only leave copies behind. Only the service touches files and the objects
// that drift is judged by, on a thread of its own. A failure there is counted and logged, and fails
// no search.
import Catalog
import Logging
import ServiceLifecycle
import Synchronization
import TesseraBase

/// The query logs of all indexes.
final class QueryLog: Sendable {
    let settings: QueryLogSettings
    private let logs = Mutex<[String: IndexQueryLog]>([:])

    /// Throws `unavailable` if the folder cannot be made.
    init(_ settings: QueryLogSettings) throws(TesseraError) {
        try QueryLogFiles.make(folder: settings.folder)
        self.settings = settings
    }

    /// Samples the answered queries of an index: `floats` is `[queries][dimension]`.
    func offer(_ floats: [Float], dimension: Int, to index: String) {
        guard !floats.isEmpty else { return }
        let log = logs.withLock { logs in
            if let log = logs[index] { return log }
            let log = IndexQueryLog(index, share: settings.share, seed: settings.seed)
            logs[index] = log
            return log
        }
        log.offer(floats, dimension: dimension)
    }

    /// The logs of all indexes, sorted by name.
    var all: [IndexQueryLog] {
        logs.withLock { $0.values.sorted { $0.name < $1.name } }
    }

    /// The counts of all indexes.
    var report: QueryLogReport {
        QueryLogReport(share: settings.share, indexes: all.map { ($0.name, $0.counts) })
    }
}

/// Writes sampled queries at intervals and at the end.
struct QueryLogService: Service {
    /// Attempts to read the objects that drift is judged by, for each version.
    private static let mostTries = 3

    let log: QueryLog
    let indexes: ServedIndexes
    let clock: SteadyClock
    let logger: Logger
    private let pool = WorkPool(width: 1)

    init(
        _ log: QueryLog, _ indexes: ServedIndexes, clock: SteadyClock = .system, logger: Logger
    ) {
        self.log = log
        self.indexes = indexes
        self.clock = clock
        self.logger = logger
    }

    /// The files of one index.
    private final class Kept: Sendable {
        let files: Mutex<QueryLogFiles>

        init(_ files: QueryLogFiles) {
            self.files = Mutex(files)
        }
    }

    /// The drift of one index's queries.
    private struct Judged {
        var version = 0
        var tries = 0
        var gauge: DriftGauge?
    }

    func run() async {
        var kept: [String: Kept] = [:]
        var judged: [String: Judged] = [:]
        var isEnding = false
        while !isEnding {
            // Shutdown cuts only the wait short: queries that were taken are written. Searches have
            // ended by then.
            isEnding = await cancelWhenGracefulShutdown {
                [clock, interval = log.settings.interval] in
                (try? await clock.sleep(interval)) == nil
            }
            await write(&kept, &judged)
        }
    }

    private func write(_ kept: inout [String: Kept], _ judged: inout [String: Judged]) async {
        for index in log.all {
            let queries = index.take()
            let files = kept[index.name] ?? files(of: index.name)
            kept[index.name] = files
            await write(queries, of: index, to: files)
            await judge(queries, of: index, &judged[index.name, default: Judged()])
        }
    }

    private func files(of index: String) -> Kept {
        Kept(
            QueryLogFiles(
                folder: "\(log.settings.folder)/\(index)", bound: log.settings.bytes,
                writer: log.settings.writer))
    }

    private func write(
        _ queries: [[Float]], of index: IndexQueryLog, to kept: Kept
    ) async {
        let outcome = await inBackground {
            kept.files.withLock { files in
                let outcome = files.add(queries)
                return (outcome: outcome, unwritten: files.unwritten, bytes: files.bytes)
            }
        }
        guard let (outcome, unwritten, bytes) = outcome else {
            return index.update { $0.dropped += queries.count }
        }
        let failed = index.counts.isFailing
        if let failure = outcome.failure, !failed {
            logger.warning(
                "queries cannot be recorded",
                metadata: ["index": "\(index.name)", "error": "\(failure)"])
        }
        index.update { counts in
            counts.recorded += outcome.recorded
            counts.dropped += outcome.dropped
            counts.waiting = unwritten
            counts.bytes = bytes
            counts.isFailing = outcome.failure != nil
        }
    }

    /// Runs `body` on the thread for files; nil if the server was told not to wait any longer.
    private func inBackground<Output: Sendable>(
        _ body: @escaping @Sendable () -> Output
    ) async -> Output? {
        try? await pool.run { () throws(TesseraError) in body() }
    }

    private func judge(
        _ queries: [[Float]], of index: IndexQueryLog, _ judged: inout Judged
    ) async {
        guard let served = indexes[index.name], let manifest = served.manifest else { return }
        if judged.version != manifest.version { judged = Judged(version: manifest.version) }
        if judged.gauge == nil, judged.tries < Self.mostTries {
            judged.tries += 1
            do throws(TesseraError) {
                judged.gauge = try await DriftGauge(manifest, from: served.catalog, pool: pool)
            } catch {
                logger.debug(
                    "drift is not judged",
                    metadata: ["index": "\(index.name)", "reason": "\(error)"])
            }
        }
        guard let gauge = judged.gauge else { return }
        let updated = await inBackground {
            var gauge = gauge
            gauge.add(queries)
            return gauge
        }
        judged.gauge = updated ?? gauge
        let reading = judged.gauge?.reading
        index.update { $0.drift = reading }
    }
}
