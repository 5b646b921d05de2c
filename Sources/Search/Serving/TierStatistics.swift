// Counters of every tier between a query and the store, as one value to report.
package import ObjectStore
package import SearchTypes

/// Counters of shards in memory, of copies on disk, and of requests to the store.
package struct TierStatistics: Sendable, Equatable {
    package var ram: RAMStatistics
    /// Nil without a disk cache.
    package var disk: CacheStatistics?
    /// Nil for a store on this machine.
    package var store: StoreUsage?

    package init(ram: RAMStatistics, disk: CacheStatistics?, store: StoreUsage?) {
        self.ram = ram
        self.disk = disk
        self.store = store
    }
}

extension TierReport {
    /// Reports these counters for `place`.
    package init(place: String, _ statistics: TierStatistics) {
        var memory = Memory()
        memory.hits = statistics.ram.hits
        memory.misses = statistics.ram.misses
        memory.loads = statistics.ram.loads
        memory.failures = statistics.ram.failures
        memory.evictions = statistics.ram.evictions
        memory.refusals = statistics.ram.refusals
        memory.shards = statistics.ram.shards
        memory.bytes = statistics.ram.bytes
        memory.budget = statistics.ram.budget
        let disk = statistics.disk.map { counted in
            var disk = Disk()
            disk.hits = counted.hits
            disk.misses = counted.misses
            disk.entries = counted.entries
            disk.bytes = Int(clamping: counted.bytes)
            return disk
        }
        let store = statistics.store.map { usage in
            var store = Store()
            store.requests = usage.requests
            store.bytesRead = Int(clamping: usage.bytesRead)
            return store
        }
        self.init(place: place, memory: memory, disk: disk, store: store)
    }
}
