// Leases, which keep shards in memory while they are searched.
import Synchronization

/// A lease on shards of a cache: they stay in memory, and count against its budget, until it is
/// released.
package final class LeasedShards: Sendable {
    /// Shards by ordinal in the leased version; shards that are not in memory are missing.
    package let shards: [Int: ResidentShard]
    private let keys: [ShardCacheKey]
    private let cache: ShardCache

    init(_ shards: [Int: ResidentShard], keys: [ShardCacheKey], cache: ShardCache) {
        self.shards = shards
        self.keys = keys
        self.cache = cache
    }

    deinit {
        cache.release(keys)
    }
}

/// Leases that several child tasks take and their parent ends.
///
/// A finished child task holds its result for a moment after its parent has resumed. A lease
/// returned as a result would live as long, and its memory would be freed only after code that
/// awaits the parent has looked. So child tasks leave their leases here.
final class LeaseBag: Sendable {
    private let leases = Mutex<[LeasedShards]>([])

    func add(_ lease: LeasedShards) { leases.withLock { $0.append(lease) } }

    /// Ends all leases, outside the lock.
    func end() {
        let ended = leases.withLock { leases in
            defer { leases = [] }
            return leases
        }
        withExtendedLifetime(ended) {}
    }
}

extension LeasedShards: ShardTable {
    func ids(_ ordinal: Int) -> IDView? { shards[ordinal]?.ids?.view }
    func shard(_ ordinal: Int) -> ResidentShard? { shards[ordinal] }
}
