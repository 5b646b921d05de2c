// What the tiers between queries and a store have done, at one place where shards are searched.

/// Counts since the start of whoever searches there.
package struct TierReport: Sendable, Equatable {
    /// Shards in memory: a hit is a shard that a query scanned and that was there.
    package struct Memory: Sendable, Equatable {
        package var hits = 0
        package var misses = 0
        package var loads = 0
        package var failures = 0
        package var evictions = 0
        package var refusals = 0
        package var shards = 0
        package var bytes = 0
        package var budget = 0

        package init() {}
    }

    /// What a remote store sent, kept on disk: a hit is a read that the store was not asked for.
    package struct Disk: Sendable, Equatable {
        package var hits = 0
        package var misses = 0
        package var entries = 0
        package var bytes = 0

        package init() {}
    }

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
    /// Nil for a store on that machine.
    package var store: Store?

    package static let here = "here"

    package init(place: String, memory: Memory, disk: Disk?, store: Store?) {
        self.place = place
        self.memory = memory
        self.disk = disk
        self.store = store
    }
}

extension TierReport.Memory {
    /// Share of the scanned shards that were in memory; nil before there were any.
    package var hitRate: Double? { share(hits, misses) }
}

extension TierReport.Disk {
    /// Share of the reads that the disk answered; nil before there were any.
    package var hitRate: Double? { share(hits, misses) }
}

private func share(_ hits: Int, _ misses: Int) -> Double? {
    hits > 0 || misses > 0 ? Double(hits) / (Double(hits) + Double(misses)) : nil
}
