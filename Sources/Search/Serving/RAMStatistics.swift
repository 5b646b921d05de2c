// What a shard cache in memory counts.

/// Counters and contents of a shard cache in memory.
package struct RAMStatistics: Sendable, Equatable {
    /// Scanned shards that were in memory, and that were not.
    package var hits = 0
    package var misses = 0
    /// Shards loaded, and their bytes.
    package var loads = 0
    package var bytesLoaded = 0
    package var failures = 0
    package var evictions = 0
    /// Shards requested but not loaded: too cold, or too large.
    package var refusals = 0
    /// Shards held.
    package var shards = 0
    /// Bytes of shards held or being loaded.
    package var bytes = 0
    package var budget = 0

    package init() {}
}
