// Shards in memory, keyed by content, under a budget of bytes. ``ShardCachePolicy`` decides; this
// class locks, asks it and performs.
package import ObjectStore
import Synchronization
package import TesseraBase

/// The shards in memory of any number of versions. Equal shards are held once.
package final class ShardCache: Sendable {
    /// Shards of a version loaded concurrently, ahead of queries.
    private static let width = 4
    /// One in this many scans is sampled for access frequency where all shards are in memory.
    private static let sampling = 1024

    private struct State {
        var policy: ShardCachePolicy
        var shards: [ShardCacheKey: ResidentShard] = [:]
        /// Largest ratio so far of a shard's actual bytes to its estimate.
        var excess: [Residency: Double] = [:]
        var counted = RAMStatistics()
    }

    private let state: Mutex<State>
    /// Shards scanned in versions that are wholly in memory.
    private let scanned = Atomic(0)
    private let flights = SingleFlight<ShardCacheKey, ResidentShard?>()
    private let pool: WorkPool
    private let clock: SteadyClock

    /// - Parameters:
    ///   - budget: bytes.
    ///   - pool: checks and decodes shards.
    package init(
        budget: Int, pool: WorkPool, heat: ShardHeat = ShardHeat(), clock: SteadyClock = .system
    ) {
        state = Mutex(State(policy: ShardCachePolicy(budget: budget, heat: heat)))
        self.pool = pool
        self.clock = clock
    }

    package var statistics: RAMStatistics {
        state.withLock { state in
            var statistics = state.counted
            statistics.hits += scanned.load(ordering: .relaxed)
            statistics.evictions = state.policy.evictions
            statistics.refusals = state.policy.refusals
            statistics.shards = state.policy.count
            statistics.bytes = state.policy.bytes
            statistics.budget = state.policy.budget
            return statistics
        }
    }

    /// Counts shards scanned by a query that took no lease, since its version is wholly in memory.
    ///
    /// Takes the lock only for a sample of the scans, whose access frequencies stand for all.
    func countScanned(_ number: Int, of version: VersionShards, sample: () -> Set<Int>) {
        let before = scanned.add(number, ordering: .relaxed).oldValue
        let samples = (before + number) / Self.sampling - before / Self.sampling
        guard samples > 0 else { return }
        let shards = sample()
        guard !shards.isEmpty else { return }
        let uses = Double(samples * Self.sampling) / Double(shards.count)
        let now = clock.now()
        state.withLock { state in
            for ordinal in shards {
                state.policy.heat.touch(version.key(ordinal).digest, uses: uses, at: now)
            }
        }
    }

    // MARK: Leases

    /// Leases the shards that are in memory now. Does not count as a use.
    package func held(_ ordinals: [Int], of version: VersionShards) -> LeasedShards {
        lease(state.withLock { take(ordinals, version, &$0) }, version)
    }

    /// Leases the shards for a query that scans them all. Nil, with nothing counted, unless all are
    /// in memory.
    func leaseHeld(_ ordinals: [Int], of version: VersionShards) -> LeasedShards? {
        let now = clock.now()
        let found = state.withLock { state -> [Int: ResidentShard]? in
            guard ordinals.allSatisfy({ state.policy.holds(version.key($0)) }) else { return nil }
            for ordinal in ordinals {
                state.policy.heat.touch(version.key(ordinal).digest, at: now)
            }
            state.counted.hits += ordinals.count
            return take(ordinals, version, &state)
        }
        guard let found else { return nil }
        return lease(found, version)
    }

    /// Leases the shards for a query that scans them all, as far as they are in memory.
    ///
    /// Of the missing ones, the `loads` hottest are loaded if the policy admits them; the caller
    /// reads the rest range by range. A shard that fails to load counts as missing, and the query
    /// meets the error when it reads it.
    package func lease(_ ordinals: [Int], of version: VersionShards, loads: Int = 1) async
        -> LeasedShards
    {
        let now = clock.now()
        let (found, missing) = state.withLock { state in
            for ordinal in ordinals {
                state.policy.heat.touch(version.key(ordinal).digest, at: now)
            }
            let found = take(ordinals, version, &state)
            let missing = ordinals.filter { found[$0] == nil }.map { ordinal in
                (ordinal, state.policy.heat.weight(of: version.key(ordinal).digest))
            }
            state.counted.hits += found.count
            state.counted.misses += missing.count
            return (found, missing)
        }
        var shards = found
        for (ordinal, _) in missing.sorted(by: { $0.1 > $1.1 }).prefix(loads) {
            guard (try? await load(ordinal, of: version, wish: .query)) != nil else { continue }
            shards.merge(state.withLock { take([ordinal], version, &$0) }) { first, _ in first }
        }
        return lease(shards, version)
    }

    /// Leases all shards of a version, loading missing ones. Nil if they do not fit the budget
    /// beside the shards leased elsewhere.
    ///
    /// - Throws: errors of reading a shard; shards loaded until then stay as long as there is room.
    package func leaseAll(of version: VersionShards) async throws(TesseraError) -> LeasedShards? {
        let all = Array(0..<version.count)
        guard fits(version) else { return nil }
        let first = held(all, of: version)
        let missing = rankedByHeat(all.filter { first.shards[$0] == nil }, version)
        let leases = LeaseBag()
        defer { leases.end() }
        _ = try await mapConcurrently(missing, width: Self.width) {
            ordinal async throws(TesseraError) in
            // Between a load and its lease, another load may evict the shard.
            for _ in 0..<3 {
                guard try await self.load(ordinal, of: version, wish: .version) != nil else {
                    continue
                }
                let lease = self.held([ordinal], of: version)
                if !lease.shards.isEmpty { return leases.add(lease) }
            }
        }
        let whole = held(all, of: version)
        withExtendedLifetime(first) {}
        return whole.shards.count == version.count ? whole : nil
    }

    private func take(_ ordinals: [Int], _ version: VersionShards, _ state: inout State)
        -> [Int: ResidentShard]
    {
        var taken: [Int: ResidentShard] = [:]
        for ordinal in ordinals where taken[ordinal] == nil {
            let key = version.key(ordinal)
            if state.policy.lease(key), let shard = state.shards[key] {
                taken[ordinal] = shard
            }
        }
        return taken
    }

    private func lease(_ taken: [Int: ResidentShard], _ version: VersionShards) -> LeasedShards {
        var placed: [Int: ResidentShard] = [:]
        for (ordinal, shard) in taken { placed[ordinal] = shard.placed(at: ordinal) }
        return LeasedShards(placed, keys: taken.keys.map(version.key), cache: self)
    }

    func release(_ keys: [ShardCacheKey]) {
        guard !keys.isEmpty else { return }
        drop { state in keys.filter { state.policy.release($0) } }
    }

    // MARK: Access frequency

    /// Access frequencies of shards, for saving them; hottest first.
    package var heat: [(shard: ContentDigest, uses: Double)] {
        let now = clock.now()
        let heat = state.withLock { $0.policy.heat }
        return heat.ranked(at: now)
    }

    /// Restores saved access frequencies.
    package func recall(_ heat: [(shard: ContentDigest, uses: Double)]) {
        let now = clock.now()
        state.withLock { state in
            for (shard, uses) in heat { state.policy.heat.touch(shard, uses: uses, at: now) }
        }
    }

    // MARK: Versions

    /// Registers an open version: its shards are kept until the last version that has them closes,
    /// or until hotter ones evict them.
    package func open(_ version: VersionShards) {
        state.withLock { $0.policy.open(version.keys) }
    }

    /// Drops the version's shards that no other open version has, each as soon as its leases end.
    package func close(_ version: VersionShards) {
        drop { $0.policy.close(version.keys) }
    }

    /// Loads shards of a version, hottest first, while there is free room. Throws errors of reading
    /// one.
    package func warm(_ version: VersionShards) async throws(TesseraError) {
        var next = rankedByHeat(Array(0..<version.count), version)[...]
        // Load the hottest alone, so that colder ones loaded beside it cannot take its room.
        guard let hottest = next.popFirst(),
            try await load(hottest, of: version, wish: .ahead) != nil
        else { return }
        while !next.isEmpty {
            let portion = next.prefix(4 * Self.width)
            next = next.dropFirst(portion.count)
            let loaded = try await mapConcurrently(Array(portion), width: Self.width) {
                ordinal async throws(TesseraError) in
                try await self.load(ordinal, of: version, wish: .ahead) != nil
            }
            // The budget is full.
            if loaded.contains(false) { return }
        }
    }

    /// The ordinals, hottest shard first.
    func rankedByHeat(_ ordinals: [Int], _ version: VersionShards) -> [Int] {
        let heat = state.withLock { $0.policy.heat }
        return ordinals.map { ($0, heat.weight(of: version.key($0).digest)) }
            .sorted { ($1.1, $0.0) < ($0.1, $1.0) }.map(\.0)
    }

    private func fits(_ version: VersionShards) -> Bool {
        state.withLock { state in
            let missing = (0..<version.count).filter {
                !state.policy.holds(version.key($0))
            }
            let wanted = missing.reduce(0) { $0 + estimate($1, version, state) }
            return state.policy.canHold(Set(version.keys), more: wanted)
        }
    }

    private func estimate(_ ordinal: Int, _ version: VersionShards, _ state: State) -> Int {
        Int(Double(version.estimate(ordinal)) * (state.excess[version.residency] ?? 1))
    }

    // MARK: Loading

    /// Loads a shard if the policy admits it. Concurrent loads of one shard share one read.
    private func load(_ ordinal: Int, of version: VersionShards, wish: ShardCachePolicy.Wish)
        async throws(TesseraError) -> ResidentShard?
    {
        let key = version.key(ordinal)
        return try await flights.run(key) { () async throws(TesseraError) in
            if let held = self.state.withLock({ $0.shards[key] }) { return held }
            let now = self.clock.now()
            let isAdmitted = self.drop { state in
                state.policy.admit(
                    key, bytes: self.estimate(ordinal, version, state), wish: wish, at: now)
            }
            guard isAdmitted else { return nil }
            do throws(TesseraError) {
                let shard = try await version.load(ordinal, pool: self.pool)
                return self.keep(shard, key, thought: version.estimate(ordinal)) ? shard : nil
            } catch {
                self.state.withLock { state in
                    state.policy.failed(key)
                    state.counted.failures += 1
                }
                throw error
            }
        }
    }

    /// Applies a change to the policy and drops the shards it names; false if it returns nil.
    @discardableResult
    private func drop(_ change: (inout State) -> [ShardCacheKey]?) -> Bool {
        // The dropped shards are released after the lock.
        let dropped = state.withLock { state in
            change(&state)?.map { state.shards.removeValue(forKey: $0) }
        }
        return dropped != nil
    }

    /// Stores a loaded shard. False if it is larger than estimated and there is no room for it.
    private func keep(_ shard: ResidentShard, _ key: ShardCacheKey, thought: Int) -> Bool {
        drop { state in
            let excess = Double(shard.bytes) / Double(max(1, thought))
            state.excess[key.residency] = max(state.excess[key.residency] ?? 1, excess)
            state.counted.loads += 1
            state.counted.bytesLoaded += shard.bytes
            guard let victims = state.policy.loaded(key, bytes: shard.bytes) else { return nil }
            state.shards[key] = shard
            return victims
        }
    }
}
