// The versions a worker has open. A version is opened by its first request and closed after it has
// been idle for a while. All versions share one shard cache.
import Catalog
package import ObjectStore
package import Search
import Synchronization
package import TesseraBase

/// An open version.
struct OpenVersion: Sendable {
    let manifest: Manifest
    let catalog: Catalog
    let shards: VersionShards
    let leaf: Leaf
}

/// Opens versions on demand and closes idle ones. A closed version's shards leave the cache unless
/// another open version has them.
package final class WorkerVersions: Sendable {
    /// Limits of open versions.
    package struct Settings: Sendable {
        /// Idle time after which a version is closed.
        package var idleLimit = Duration.seconds(900)
        /// Idle time after which a retired version is closed: another coordinator may still be
        /// using it.
        package var retiredLimit = Duration.seconds(30)
        /// Bytes each version may use for opened shards that are not in memory, and as many again
        /// for reading ahead.
        package var readBudget = 128 << 20

        package init() {}
    }

    private struct Key: Hashable {
        let index: String
        let version: Int
    }

    private struct Entry {
        let version: OpenVersion
        var used: SteadyClock.Instant
        var isRetired = false
    }

    private let store: any ObjectStore
    private let disk: CachingStore?
    private let meter: MeteredStore?
    private let pool: WorkPool
    private let heat: HeatKeeper
    private let settings: Settings
    let clock: SteadyClock
    package let cache: ShardCache
    private let entries = Mutex<[Key: Entry]>([:])
    private let flights = SingleFlight<Key, OpenVersion>()

    /// - Parameters:
    ///   - store: holds the indexes; reads may be served from a cache.
    ///   - disk: that cache, for its statistics.
    ///   - meter: counts the store's requests.
    ///   - heat: persists the access frequency of the cache's shards over restarts; nil does not.
    package init(
        store: any ObjectStore, disk: CachingStore? = nil, meter: MeteredStore? = nil,
        pool: WorkPool, cache: ShardCache, heat: HeatKeeper? = nil,
        settings: Settings = Settings(), clock: SteadyClock = .system
    ) {
        self.clock = clock
        self.store = store
        self.disk = disk
        self.meter = meter
        self.heat = heat ?? HeatKeeper(cache, in: nil, clock: clock)
        self.pool = pool
        self.cache = cache
        self.settings = settings
    }

    package var statistics: TierStatistics {
        TierStatistics(ram: cache.statistics, disk: disk?.statistics, store: meter?.usage)
    }

    /// Saves the access frequency at intervals until the service shuts down; the last save is
    /// ``saveHeat()``.
    func keepHeat() async { await heat.run() }

    func saveHeat() async { await heat.save() }

    /// Number of open versions.
    package var count: Int { entries.withLock { $0.count } }

    /// The version, opened if necessary. Throws `notFound` if it does not exist, and the store's
    /// errors.
    func version(_ number: Int, of index: String, at now: SteadyClock.Instant? = nil)
        async throws(TesseraError) -> OpenVersion
    {
        let now = now ?? clock.now()
        let key = Key(index: index, version: number)
        if let open = use(key, at: now) { return open }
        return try await flights.run(key) { () async throws(TesseraError) in
            if let open = use(key, at: now) { return open }
            await heat.recall()
            let catalog = try Catalog(store: store, index: try IndexName(index))
            let manifest = try await catalog.manifest(number)
            let objects = try VersionObjects(manifest.index, from: catalog)
            let shards = VersionShards(objects, residency: .all)
            let version = OpenVersion(
                manifest: manifest, catalog: catalog,
                shards: shards,
                leaf: Leaf(
                    ShardSource(
                        objects, pool: pool, budget: settings.readBudget, cache: cache,
                        shards: shards), pool: pool, clock: clock))
            cache.open(shards)
            entries.withLock { $0[key] = Entry(version: version, used: now) }
            return version
        }
    }

    /// The version if it is open already.
    func opened(_ number: Int, of index: String) -> OpenVersion? {
        use(Key(index: index, version: number), at: clock.now())
    }

    /// Marks the version as used. This extends a retired version's life but does not undo the
    /// retirement.
    private func use(_ key: Key, at now: SteadyClock.Instant) -> OpenVersion? {
        entries.withLock { entries in
            entries[key]?.used = now
            return entries[key]?.version
        }
    }

    /// Marks a version that a coordinator no longer needs.
    package func retire(_ number: Int, of index: String, at now: SteadyClock.Instant? = nil) {
        let now = now ?? clock.now()
        entries.withLock { entries in
            entries[Key(index: index, version: number)]?.isRetired = true
            entries[Key(index: index, version: number)]?.used = now
        }
    }

    /// Undoes the retirement of a version.
    func keep(_ number: Int, of index: String) {
        entries.withLock { $0[Key(index: index, version: number)]?.isRetired = false }
    }

    /// Closes idle versions and drops the shards that only they have. Returns the number of
    /// versions closed.
    @discardableResult
    package func sweep(at now: SteadyClock.Instant? = nil) -> Int {
        let now = now ?? clock.now()
        let gone = entries.withLock { entries in
            let gone = entries.filter { _, entry in
                now - entry.used >= (entry.isRetired ? settings.retiredLimit : settings.idleLimit)
            }
            for key in gone.keys { entries[key] = nil }
            return gone
        }
        for entry in gone.values { cache.close(entry.version.shards) }
        return gone.count
    }
}
