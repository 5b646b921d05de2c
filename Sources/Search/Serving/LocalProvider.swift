// Versions of a store's indexes, opened for searching in this process, with their shards in as near a tier as there is
// room in.
import Catalog
package import ObjectStore
package import SearchTypes
import ServiceLifecycle
package import TesseraBase

/// What serving may use, and how.
package struct ServingOptions: Sendable {
    /// Bytes of shards in memory, of all versions together.
    package var memoryBudget: Int
    /// Bytes each version that is not whole in memory may use besides, for opened shards and for reading ahead.
    package var readBudget: Int
    /// What of a shard is kept in memory; nil is everything if there is room, and codes where rows can be read in place.
    package var residency: Residency?
    /// A folder that remembers which shards are asked for; nil forgets.
    package var heatFolder: String?

    package init(
        memoryBudget: Int = ServingOptions.defaultMemoryBudget(), readBudget: Int = 128 << 20,
        residency: Residency? = nil, heatFolder: String? = nil
    ) {
        self.memoryBudget = memoryBudget
        self.readBudget = readBudget
        self.residency = residency
        self.heatFolder = heatFolder
    }

    /// Three fifths of the memory there is: the rest is for queries, for a version on its way, and for the page cache.
    package static func defaultMemoryBudget() -> Int { AvailableMemory.bytes() / 5 * 3 }
}

/// Opens versions from a store. As a service it keeps the heat of shards; it ends after whoever searches.
package final class LocalProvider: BackendProvider, Service {
    package let cache: ShardCache
    private let store: any ObjectStore
    private let disk: CachingStore?
    private let meter: MeteredStore?
    private let pool: WorkPool
    private let options: ServingOptions
    private let heat: HeatKeeper
    private let clock: SteadyClock

    /// - Parameters:
    ///   - store: holds the indexes; reads may be served from a cache.
    ///   - disk: that cache, to be counted.
    ///   - meter: what counts the store's requests.
    ///   - pool: computes where a request is too large for the calling thread.
    package init(
        store: any ObjectStore, disk: CachingStore? = nil, meter: MeteredStore? = nil,
        pool: WorkPool, options: ServingOptions = ServingOptions(),
        clock: SteadyClock = .system
    ) {
        self.store = store
        self.disk = disk
        self.meter = meter
        self.pool = pool
        self.options = options
        self.clock = clock
        cache = ShardCache(budget: options.memoryBudget, pool: pool, clock: clock)
        heat = HeatKeeper(
            cache, in: options.heatFolder.map { HeatFile(in: FileStore(root: $0)) })
    }

    package convenience init(
        _ opened: OpenedStore, pool: WorkPool, options: ServingOptions = ServingOptions()
    ) {
        self.init(
            store: opened.store, disk: opened.cache, meter: opened.meter, pool: pool,
            options: options)
    }

    package var statistics: TierStatistics {
        TierStatistics(ram: cache.statistics, disk: disk?.statistics, store: meter?.usage)
    }

    package func tierReports() async -> [TierReport] {
        [TierReport(place: TierReport.here, statistics)]
    }

    package func run() async {
        await heat.run()
        await heat.save()
    }

    /// Keeps which shards are asked for.
    package func saveHeat() async {
        await heat.save()
    }

    /// Shards that an open version has as well are not read again.
    package func open(index: String, version: Int) async throws(TesseraError)
        -> any VersionBackend
    {
        await heat.recall()
        let catalog = try Catalog(store: store, index: try IndexName(index))
        let manifest = try await catalog.manifest(version)
        for residency in residencies {
            if let backend = try await whole(manifest, catalog, residency) { return backend }
        }
        return try await mixed(manifest, catalog)
    }

    /// What is tried to be kept of a whole version: codes alone only where rows can be read in place.
    private var residencies: [Residency] {
        if let residency = options.residency {
            return residency == .all || store.isLocal ? [residency] : []
        }
        return store.isLocal ? [.all, .codes] : [.all]
    }

    private func whole(_ manifest: Manifest, _ catalog: Catalog, _ residency: Residency)
        async throws(TesseraError) -> LocalBackend?
    {
        let objects = try VersionObjects(manifest.index, from: catalog)
        let shards = VersionShards(objects, residency: residency)
        return try await opening(shards) { () async throws(TesseraError) in
            guard let lease = try await cache.leaseAll(of: shards) else { return nil }
            let router = try await objects.router()
            for (ordinal, shard) in lease.shards { try objects.check(shard.head, ordinal) }
            let searcher = IndexSearcher(
                router: router, shards: (0..<shards.count).compactMap { lease.shards[$0] })
            let queries = ResidentQueries(
                searcher, pool: pool, shards: shards, cache: cache, clock: clock)
            return LocalBackend(
                manifest, from: catalog, shards: shards, in: cache, tiers: .memory(queries, lease))
        }
    }

    private func mixed(_ manifest: Manifest, _ catalog: Catalog) async throws(TesseraError)
        -> LocalBackend
    {
        let residency = options.residency ?? (store.isLocal ? .codes : .all)
        let objects = try VersionObjects(manifest.index, from: catalog)
        let shards = VersionShards(objects, residency: residency)
        let backend = try await opening(shards) {
            () async throws(TesseraError) -> LocalBackend? in
            let source = ShardSource(
                objects, pool: pool, budget: options.readBudget, cache: cache, shards: shards)
            let searcher = try await ColdSearcher(manifest, source, pool: pool)
            try await cache.warm(shards)
            return LocalBackend(
                manifest, from: catalog, shards: shards, in: cache,
                tiers: .mixed(TieredQueries(searcher, pool: pool, clock: clock)))
        }
        guard let backend else { preconditionFailure("a version is opened or refused") }
        return backend
    }

    /// Keeps shards open for the backend that `body` makes of them, and for it alone.
    private func opening(
        _ shards: VersionShards, _ body: () async throws(TesseraError) -> LocalBackend?
    ) async throws(TesseraError) -> LocalBackend? {
        cache.open(shards)
        do throws(TesseraError) {
            let backend = try await body()
            if backend == nil { cache.close(shards) }
            return backend
        } catch {
            cache.close(shards)
            throw error
        }
    }
}
