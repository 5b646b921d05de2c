// Opens versions of a store's indexes for searching in this process. Shards are kept in the fastest
// tier that has room for them.
import Catalog
package import ObjectStore
package import SearchTypes
import ServiceLifecycle
package import TesseraBase

/// Memory limits and residency of serving.
package struct ServingOptions: Sendable {
    /// Bytes of shards in memory, over all versions.
    package var memoryBudget: Int
    /// Additional bytes for each version that is not wholly in memory, for opened shards and for
    /// reading ahead.
    package var readBudget: Int
    /// The part of each shard to keep in memory. Nil: everything if there is room, else codes only
    /// where rows can be read in place.
    package var residency: Residency?
    /// A folder that keeps shards' access frequencies over restarts; nil keeps none.
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

    /// Three fifths of the memory available: the rest is for queries, for a version being opened,
    /// and for the page cache.
    package static func defaultMemoryBudget() -> Int { AvailableMemory.bytes() / 5 * 3 }
}

/// Opens versions from a store. As a service it saves access frequencies, and it must stop after
/// the services that search.
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
    ///   - disk: that cache, for its statistics.
    ///   - meter: counts the store's requests.
    ///   - pool: runs requests that are too large for the calling thread.
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
            cache, in: options.heatFolder.map { HeatFile(in: FileStore(root: $0)) }, clock: clock)
    }

    /// Provides the indexes of an opened store.
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

    /// Saves the shards' access frequencies.
    package func saveHeat() async {
        await heat.save()
    }

    /// Opens a version. Shards shared with an open version are not read again.
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

    /// The residencies to try for a version wholly in memory. Codes alone do only where rows can be
    /// read in place.
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
        guard let backend else { preconditionFailure("a mixed version always makes a backend") }
        return backend
    }

    /// Opens `shards` in the cache for the backend that `body` makes, and closes them if it makes
    /// none.
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
