// Shards that stay in memory while somebody searches them.

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
