// Counts of the tiers between queries and the store, for one process that searches shards.

/// Counts since the start of the process that they are about.
package struct TierReport: Sendable, Equatable {
    /// The tier of shards in memory. A hit is a scanned shard that was in memory.
    package struct Memory: Sendable, Equatable {
        package var hits = 0
        package var misses = 0
        /// Shards loaded.
        package var loads = 0
        /// Loads that failed.
        package var failures = 0
        /// Shards evicted for others.
        package var evictions = 0
        /// Shards not loaded, because they were too rarely used or too large.
        package var refusals = 0
        /// Shards in memory now.
        package var shards = 0
        /// Their size.
        package var bytes = 0
        /// Bytes that the tier may use.
        package var budget = 0

        package init() {}
    }

    /// The tier of bytes from a remote store, cached on disk. A hit is a read served from disk.
    package struct Disk: Sendable, Equatable {
        package var hits = 0
        package var misses = 0
        package var entries = 0
        package var bytes = 0

        package init() {}
    }

    /// The remote store.
    package struct Store: Sendable, Equatable {
        package var requests = 0
        package var bytesRead = 0

        package init() {}
    }

    /// A worker's address, or ``here``.
    package var place: String
    package var memory: Memory
    /// Nil without a disk cache.
    package var disk: Disk?
    /// Nil if the store is on the same machine.
    package var store: Store?

    /// The place of a coordinator that searches by itself.
    package static let here = "here"

    package init(place: String, memory: Memory, disk: Disk?, store: Store?) {
        self.place = place
        self.memory = memory
        self.disk = disk
        self.store = store
    }
}

extension TierReport.Memory {
    /// Share of scanned shards that were in memory; nil before the first one.
    package var hitRate: Double? { share(hits, misses) }
}

extension TierReport.Disk {
    /// Share of reads served from disk; nil before the first one.
    package var hitRate: Double? { share(hits, misses) }
}

private func share(_ hits: Int, _ misses: Int) -> Double? {
    hits > 0 || misses > 0 ? Double(hits) / (Double(hits) + Double(misses)) : nil
}
