// What each tier between a query and the store has done, as one value to be shown.
package import ObjectStore

/// Shards in memory, copies on disk, and what the store itself was asked.
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

extension RAMStatistics {
    /// Share of the scanned shards that were in memory; nil before there were any.
    package var hitRate: Double? { share(hits, of: hits + misses) }
}

extension CacheStatistics {
    /// Share of the reads that the disk answered; nil before there were any.
    package var hitRate: Double? { share(hits, of: hits + misses) }
}

private func share(_ part: Int, of whole: Int) -> Double? {
    whole > 0 ? Double(part) / Double(whole) : nil
}
