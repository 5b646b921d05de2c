// Shards that stay in memory while somebody searches them.
import Synchronization

/// Keeps shards in memory, and counted there, as long as it lives.
package final class LeasedShards: Sendable {
    /// By ordinal in the version they were asked for in; those not in memory are missing.
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

/// Leases that several tasks begin and one ends.
///
/// A child task that has ended still holds its result for a moment after its parent goes on: a lease that is a result lives until
/// then, and memory that it keeps goes after whoever waits for that has looked. So tasks leave their leases here.
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
    func ids(_ ordinal: Int) -> IdView? { shards[ordinal]?.ids?.view }
    func shard(_ ordinal: Int) -> ResidentShard? { shards[ordinal] }
}
