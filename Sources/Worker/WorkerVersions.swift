// The versions a worker has open: opened when first asked for, let go when nobody asks any more. Their shards are in one
// cache for all of them.
import Catalog
package import ObjectStore
package import Search
import Synchronization
package import TesseraBase

/// A version a worker answers from.
struct OpenVersion: Sendable {
    let manifest: Manifest
    let catalog: Catalog
    let shards: VersionShards
    let leaf: Leaf
}

/// Opens versions and remembers them. The shards only one of them had are let go with it.
package final class WorkerVersions: Sendable {
    package struct Settings: Sendable {
        /// A version nobody asked for that long is let go.
        package var idleLimit = Duration.seconds(900)
        /// The same for one that a coordinator has retired: another coordinator may still be at it.
        package var retiredLimit = Duration.seconds(30)
        /// Bytes each version may use for opening shards that are not in memory, and as many for reading ahead.
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
    ///   - disk: that cache, to be counted.
    ///   - meter: what counts the store's requests.
    ///   - heat: of the cache, remembered over a restart; nil forgets.
    package init(
        store: any ObjectStore, disk: CachingStore? = nil, meter: MeteredStore? = nil,
        pool: WorkPool, cache: ShardCache, heat: HeatKeeper? = nil,
        settings: Settings = Settings(), clock: SteadyClock = .system
    ) {
        self.clock = clock
        self.store = store
        self.disk = disk
        self.meter = meter
        self.heat = heat ?? HeatKeeper(cache, in: nil)
        self.pool = pool
        self.cache = cache
        self.settings = settings
    }

    package var statistics: TierStatistics {
        TierStatistics(ram: cache.statistics, disk: disk?.statistics, store: meter?.usage)
    }

    /// Saves heat now and then until the service is shut down; the end's is ``saveHeat()``.
    func keepHeat() async { await heat.run() }

    func saveHeat() async { await heat.save() }

    /// Versions open now.
    package var count: Int { entries.withLock { $0.count } }

    /// The version, opened if it is not. Throws `notFound` for one that does not exist, and what the store throws.
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

    /// The version if it is open.
    func opened(_ number: Int, of index: String) -> OpenVersion? {
        use(Key(index: index, version: number), at: clock.now())
    }

    /// Searching does not clear a version's retirement: it only puts off its end.
    private func use(_ key: Key, at now: SteadyClock.Instant) -> OpenVersion? {
        entries.withLock { entries in
            entries[key]?.used = now
            return entries[key]?.version
        }
    }

    /// A coordinator asks nothing more of a version.
    package func retire(_ number: Int, of index: String, at now: SteadyClock.Instant? = nil) {
        let now = now ?? clock.now()
        entries.withLock { entries in
            entries[Key(index: index, version: number)]?.isRetired = true
            entries[Key(index: index, version: number)]?.used = now
        }
    }

    /// Somebody wants a version kept after all.
    func keep(_ number: Int, of index: String) {
        entries.withLock { $0[Key(index: index, version: number)]?.isRetired = false }
    }

    /// Lets go of versions nobody asked for in time, and of the shards that only they had; how many versions it were.
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
