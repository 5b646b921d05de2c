// Decides which shards are kept in memory. A pure value; its owner loads and drops the shards it
// names.
//
// Invariants: shards held and being loaded take at most the budget, as far as their sizes are
// known. A leased shard is never evicted. A shard is evicted only for one that is used more often
// by more than one use, so that one-off queries do not empty the cache (the admission of TinyLFU:
// Einziger et al., "TinyLFU", ACM TOS 2017).
package import ObjectStore

/// A shard's content and the part of it kept. Versions and indexes with an equal shard share the
/// entry.
package struct ShardCacheKey: Sendable, Hashable {
    package let digest: ContentDigest
    package let residency: Residency

    package init(digest: ContentDigest, residency: Residency) {
        self.digest = digest
        self.residency = residency
    }
}

/// The bookkeeping of a ``ShardCache``.
package struct ShardCachePolicy: Sendable {
    /// Reason for loading a shard.
    package enum Wish: Sendable {
        /// A query needs it: it may evict colder shards.
        case query
        /// A query may need it soon: it takes free room only.
        case ahead
        /// A whole version is to be in memory: it may evict any shard without a lease.
        case version
    }

    private struct Entry {
        var bytes: Int
        var leases = 0
        var isLoading = true
        /// No open version has the shard: it is dropped when its last lease ends.
        var isLeaving = false
        /// Order of admission, which breaks ties between equally cold shards.
        let number: UInt64
    }

    package let budget: Int
    package var heat: ShardHeat
    private var entries: [ShardCacheKey: Entry] = [:]
    /// Number of open versions that have the shard.
    private var users: [ShardCacheKey: Int] = [:]
    private var number: UInt64 = 0
    /// Bytes of all shards held or being loaded.
    package private(set) var bytes = 0
    package private(set) var evictions = 0
    package private(set) var refusals = 0

    package init(budget: Int, heat: ShardHeat = ShardHeat()) {
        self.budget = budget
        self.heat = heat
    }

    /// Number of shards held.
    package var count: Int { entries.count { !$0.value.isLoading } }

    /// Whether the shard is held.
    package func holds(_ key: ShardCacheKey) -> Bool { entries[key].map { !$0.isLoading } ?? false }

    /// Whether `more` bytes fit beside the shards that must stay: those leased or being loaded, and
    /// those of `keys` that are held.
    package func canHold(_ keys: Set<ShardCacheKey>, more: Int) -> Bool {
        var fixed = 0
        for (key, entry) in entries
        where entry.leases > 0 || entry.isLoading || keys.contains(key) {
            fixed += entry.bytes
        }
        return more <= budget - fixed
    }

    /// Decides whether to load a shard of about `bytes`, and makes room for it.
    ///
    /// - Returns: the shards to drop for it; nil if it is not to be loaded. After a load the caller
    ///   calls ``loaded(_:bytes:)`` or ``failed(_:)``.
    /// - Complexity: O(shards held); O(1) if there is free room, and for a shard used once.
    package mutating func admit(
        _ key: ShardCacheKey, bytes wanted: Int, wish: Wish, at now: Duration
    ) -> [ShardCacheKey]? {
        guard entries[key] == nil else { return [] }
        guard let victims = victims(for: key, wanted, wish, now) else {
            refusals += 1
            return nil
        }
        evict(victims)
        number += 1
        entries[key] = Entry(bytes: wanted, number: number)
        bytes += wanted
        return victims
    }

    /// Records that an admitted shard is loaded and takes `actual` bytes.
    ///
    /// - Returns: the shards to drop for the bytes beyond the estimate; nil if there is no room, so
    ///   that the loaded shard is dropped.
    package mutating func loaded(_ key: ShardCacheKey, bytes actual: Int) -> [ShardCacheKey]? {
        guard let entry = entries[key], entry.isLoading else { return [] }
        bytes += actual - entry.bytes
        entries[key]?.bytes = actual
        let victims = bytes <= budget ? [] : coldest(freeing: bytes - budget)
        guard let victims else {
            remove(key)
            refusals += 1
            return nil
        }
        evict(victims)
        entries[key]?.isLoading = false
        return victims
    }

    /// Records that an admitted shard could not be loaded.
    package mutating func failed(_ key: ShardCacheKey) {
        if entries[key]?.isLoading == true { remove(key) }
    }

    /// Begins a lease. False if the shard is not held.
    package mutating func lease(_ key: ShardCacheKey) -> Bool {
        guard holds(key) else { return false }
        entries[key]?.leases += 1
        return true
    }

    /// Ends a lease. True if the shard is to be dropped now.
    package mutating func release(_ key: ShardCacheKey) -> Bool {
        guard let entry = entries[key], entry.leases > 0 else { return false }
        entries[key]?.leases -= 1
        guard entry.isLeaving, entry.leases == 1 else { return false }
        remove(key)
        return true
    }

    /// Registers an open version with these shards.
    package mutating func open(_ keys: some Sequence<ShardCacheKey>) {
        for key in keys {
            users[key, default: 0] += 1
            entries[key]?.isLeaving = false
        }
    }

    /// Ends the registration of a version. Returns the shards to drop now: those of no open version
    /// and without a lease.
    package mutating func close(_ keys: some Sequence<ShardCacheKey>) -> [ShardCacheKey] {
        var dropped: [ShardCacheKey] = []
        for key in keys {
            let left = (users[key] ?? 0) - 1
            users[key] = left > 0 ? left : nil
            guard left <= 0, let entry = entries[key] else { continue }
            if entry.leases == 0, !entry.isLoading {
                remove(key)
                dropped.append(key)
            } else {
                entries[key]?.isLeaving = true
            }
        }
        return dropped
    }

    private mutating func remove(_ key: ShardCacheKey) {
        guard let entry = entries.removeValue(forKey: key) else { return }
        bytes -= entry.bytes
    }

    private mutating func evict(_ keys: [ShardCacheKey]) {
        for key in keys { remove(key) }
        evictions += keys.count
    }

    /// The shards to evict for a shard of `wanted` bytes; nil if it is not to be loaded.
    private func victims(
        for key: ShardCacheKey, _ wanted: Int, _ wish: Wish, _ now: Duration
    ) -> [ShardCacheKey]? {
        guard wanted <= budget else { return nil }
        let missing = bytes - (budget - wanted)
        guard missing > 0 else { return [] }
        switch wish {
        case .ahead: return nil
        case .version: return coldest(freeing: missing)
        case .query:
            let own = heat.weight(of: key.digest) - heat.weightOfUse(at: now)
            guard own > 0 else { return nil }
            return coldest(freeing: missing, colderThan: own)
        }
    }

    /// The coldest shards without a lease that free at least `missing` bytes, with a total
    /// frequency below `limit`.
    private func coldest(freeing missing: Int, colderThan limit: Double = .infinity)
        -> [ShardCacheKey]?
    {
        var candidates: [(key: ShardCacheKey, weight: Double, number: UInt64, bytes: Int)] = []
        for (key, entry) in entries where entry.leases == 0 && !entry.isLoading {
            let weight = heat.weight(of: key.digest)
            if weight < limit { candidates.append((key, weight, entry.number, entry.bytes)) }
        }
        candidates.sort { ($0.weight, $0.number) < ($1.weight, $1.number) }
        var (left, together) = (missing, 0.0)
        var victims: [ShardCacheKey] = []
        for candidate in candidates {
            guard left > 0 else { break }
            together += candidate.weight
            guard together < limit else { return nil }
            victims.append(candidate.key)
            left -= candidate.bytes
        }
        return left > 0 ? nil : victims
    }
}
