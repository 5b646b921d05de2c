// Finds, connects and watches the workers of a coordinator, and tells each which shards to hold.
import Catalog
package import Logging
package import ObjectStore
import Search
package import SearchTypes
import ServiceLifecycle
import Synchronization
package import TesseraBase

/// Opens versions on workers. Versions can be opened and searched only while this service runs, so
/// it starts before the server and ends after it.
package final class RemoteProvider: BackendProvider, Service {
    private let settings: RemoteSettings
    private let store: any ObjectStore
    private let pool: WorkPool
    private let logger: Logger
    private let hedges = HedgeCounter()
    private let state = Mutex(State())

    private struct State {
        /// Ascending by address.
        var links: [WorkerLink] = []
        var backends: [RemoteBackend] = []
    }

    /// - Parameters:
    ///   - store: holds the indexes. Manifests, routers and the open sections of shards are read
    ///     here.
    ///   - pool: runs the choice of lists.
    /// - Throws: `invalidArgument` for settings that cannot work.
    package init(
        _ settings: RemoteSettings, store: any ObjectStore, pool: WorkPool, logger: Logger
    ) throws(TesseraError) {
        guard (1...16).contains(settings.replication) else {
            throw TesseraError(
                .invalidArgument,
                "replication \(settings.replication) is out of range; give 1 to 16")
        }
        if case .list(let addresses) = settings.workers, addresses.count < settings.replication {
            throw TesseraError(
                .invalidArgument,
                "replication \(settings.replication) needs as many workers; \(addresses.count) are named"
            )
        }
        self.settings = settings
        self.store = store
        self.pool = pool
        self.logger = logger
    }

    /// Addresses of the workers, and whether each serves now.
    package var workers: [(address: WorkerAddress, isServing: Bool)] {
        state.withLock { $0.links }.map { ($0.address, $0.isServing) }
    }

    /// Time for a worker to report the counts of its tiers.
    private static let reportTime = Duration.seconds(1)

    package func tierReports() async -> [TierReport] {
        let links = state.withLock { $0.links }.filter(\.isServing)
        return await withTaskGroup(of: TierReport?.self) { group in
            for link in links {
                group.addTask { await link.tierReport(timeout: Self.reportTime) }
            }
            var reports: [TierReport] = []
            for await case let report? in group { reports.append(report) }
            return reports.sorted { $0.place < $1.place }
        }
    }

    // MARK: The service

    package func run() async throws {
        // The services that search shut down before this one.
        try await cancelWhenGracefulShutdown { try await self.keepWorkers() }
    }

    private func keepWorkers() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            var running: [WorkerAddress: WorkerLink] = [:]
            group.addTask { await self.remind() }
            while !Task.isCancelled {
                let wanted = await addresses() ?? Array(running.keys)
                let gone = running.filter { !wanted.contains($0.key) }
                let new = wanted.filter { running[$0] == nil }
                for address in new {
                    let link = WorkerLink(
                        address,
                        transport: try settings.transport(
                            address, settings.security, serverName),
                        clock: settings.clock)
                    running[address] = link
                    group.addTask { await link.run { await self.prepare(link) } }
                }
                for address in gone.keys { running[address] = nil }
                if !new.isEmpty || !gone.isEmpty {
                    let links = running.values.sorted { $0.address < $1.address }
                    state.withLock { $0.links = links }
                    group.addTask { await self.adopt(links, leaving: Array(gone.values)) }
                }
                guard case .name = settings.workers else { break }
                try? await settings.clock.sleep(settings.resolveInterval)
            }
        }
    }

    /// Reminds the workers of their shards at intervals, so that they keep them or load them again.
    private func remind() async {
        while !Task.isCancelled {
            try? await settings.clock.sleep(settings.remindInterval)
            for backend in state.withLock({ $0.backends }) { await backend.remind() }
        }
    }

    /// The workers' addresses now; nil if the name does not resolve, and then the known ones stay.
    private func addresses() async -> [WorkerAddress]? {
        switch settings.workers {
        case .list(let addresses): return addresses
        case .name(let name, let port):
            do throws(TesseraError) {
                return try await pool.run { [settings] () throws(TesseraError) in
                    try settings.resolve(name, port).get()
                }
            } catch {
                logger.warning(
                    "the workers' name does not resolve", metadata: ["error": "\(error)"])
                return nil
            }
        }
    }

    private var serverName: String? {
        if case .name(let name, _) = settings.workers { name } else { nil }
    }

    /// Moves every open version to other members, then stops the links of those that left.
    private func adopt(_ links: [WorkerLink], leaving: [WorkerLink]) async {
        await withDiscardingTaskGroup { group in
            for backend in state.withLock({ $0.backends }) {
                group.addTask { await backend.adopt(links) }
            }
        }
        for link in leaving { link.stop() }
    }

    private func prepare(_ link: WorkerLink) async {
        logger.info("a worker serves", metadata: ["worker": "\(link.address)"])
        for backend in state.withLock({ $0.backends }) { await backend.prepare(link) }
    }

    // MARK: Versions

    package func open(index: String, version: Int) async throws(TesseraError)
        -> any VersionBackend
    {
        let catalog = try Catalog(store: store, index: try IndexName(index))
        let manifest = try await catalog.manifest(version)
        let links = try await joinedLinks()
        let source = ShardSource(
            try VersionObjects(manifest.index, from: catalog), pool: pool,
            budget: settings.headBudget)
        let chooser = try await ListChooser(source, pool: pool)
        let backend = RemoteBackend(
            manifest, chooser: chooser, links: links, settings: settings, hedges: hedges,
            logger: logger, onRetire: { [weak self] backend in self?.forget(backend) })
        state.withLock { $0.backends.append(backend) }
        do throws(TesseraError) {
            try await backend.warm()
            // Members may have changed before this version was known.
            let now = state.withLock { $0.links }
            if now.map(\.address) != links.map(\.address) { await backend.adopt(now) }
        } catch {
            forget(backend)
            throw error
        }
        return backend
    }

    private func forget(_ backend: RemoteBackend) {
        state.withLock { state in state.backends.removeAll { $0 === backend } }
    }

    /// Waits until all workers serve, or until one does and the others have had their time.
    private func joinedLinks() async throws(TesseraError) -> [WorkerLink] {
        let start = settings.clock.now()
        while true {
            let links = state.withLock { $0.links }
            let serving = links.count { $0.isServing }
            let waited = settings.clock.now() - start
            if !links.isEmpty, serving == links.count { return links }
            if serving > 0, waited > settings.longestJoin / 10 { return links }
            guard waited < settings.longestJoin else {
                throw TesseraError(
                    .unavailable,
                    "none of the \(links.count) workers serves; start them, or correct --workers")
            }
            do {
                try await settings.clock.sleep(.milliseconds(20))
            } catch {
                throw TesseraError(.cancelled, "the version is no longer needed")
            }
        }
    }
}
