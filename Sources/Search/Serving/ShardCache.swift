// Shards in memory, by content and under a budget of bytes. ``ShardCachePolicy`` decides; this locks, asks and performs.
package import ObjectStore
import Synchronization
package import TesseraBase

/// What a cache in memory has done, and holds.
package struct RAMStatistics: Sendable, Equatable {
    /// Shards a query scanned that were in memory, and that were not.
    package var hits = 0
    package var misses = 0
    /// Shards that were brought, and that could not be read.
    package var loads = 0
    package var bytesLoaded = 0
    package var failures = 0
    package var evictions = 0
    /// Shards that were asked for and not brought: too cold, or too large.
    package var refusals = 0
    /// Shards held.
    package var shards = 0
    /// Bytes of shards held or on their way.
    package var bytes = 0
    package var budget = 0

    package init() {}
}

/// The shards of any number of versions in memory. Equal shards are held once.
package final class ShardCache: Sendable {
    /// Shards of a version that are read at once ahead of any query.
    private static let width = 4
    /// One in so many scans is looked at where all are in memory.
    private static let sampling = 1024

    private struct State {
        var policy: ShardCachePolicy
        var shards: [ShardCacheKey: ResidentShard] = [:]
        /// How much more shards take than was thought, the most so far.
        var excess: [Residency: Double] = [:]
        var counted = RAMStatistics()
    }

    private let state: Mutex<State>
    /// Shards scanned in versions that are whole in memory.
    private let scanned = Atomic(0)
    private let flights = SingleFlight<ShardCacheKey, ResidentShard?>()
    private let pool: WorkPool
    private let clock: SteadyClock

    /// - Parameters:
    ///   - budget: bytes.
    ///   - pool: checks and unpacks what is read.
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

    /// Counts shards that a query scanned without asking for them: its version is whole in memory.
    ///
    /// Takes no lock but for a sample, whose shards' heat stands for that of all.
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

    /// The shards that are in memory now. Counts as no use.
    package func held(_ ordinals: [Int], of version: VersionShards) -> LeasedShards {
        lease(state.withLock { take(ordinals, version, &$0) }, version)
    }

    /// The shards, for a query that scans them all; nil, and nothing is counted, unless all are in memory.
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

    /// The shards that are in memory, for a query that scans them all.
    ///
    /// The hottest of the others, `loads` of them, are brought where the policy wants them; what is missing then is read
    /// range by range. A shard that cannot be brought is missing: the query will meet the failure, or do without.
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

    /// All shards of a version, brought where they are missing; nil where they do not fit the budget beside what others
    /// lease.
    ///
    /// - Throws: what reading a shard throws; what was brought until then stays, as long as there is room.
    package func leaseAll(of version: VersionShards) async throws(TesseraError) -> LeasedShards? {
        let all = Array(0..<version.count)
        guard fits(version) else { return nil }
        let first = held(all, of: version)
        let missing = rankedByHeat(all.filter { first.shards[$0] == nil }, version)
        let leases = LeaseBag()
        defer { leases.end() }
        _ = try await mapConcurrently(missing, width: Self.width) {
            ordinal async throws(TesseraError) in
            // Between a load and its lease somebody else may need the room.
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

    // MARK: Heat

    /// How often shards were asked for, for keeping it.
    package var heat: [(shard: ContentDigest, uses: Double)] {
        let now = clock.now()
        let heat = state.withLock { $0.policy.heat }
        return heat.ranked(at: now)
    }

    /// Takes over what was kept.
    package func recall(_ heat: [(shard: ContentDigest, uses: Double)]) {
        let now = clock.now()
        state.withLock { state in
            for (shard, uses) in heat { state.policy.heat.touch(shard, uses: uses, at: now) }
        }
    }

    // MARK: Versions

    /// A version that has these shards is open: they are kept until the last such version is closed, or others are hotter.
    package func open(_ version: VersionShards) {
        state.withLock { $0.policy.open(version.keys) }
    }

    /// Drops the version's shards that no other open version has, as soon as nobody leases them.
    package func close(_ version: VersionShards) {
        drop { $0.policy.close(version.keys) }
    }

    /// Brings shards of a version while there is free room, the hottest first. Throws what reading one throws.
    package func warm(_ version: VersionShards) async throws(TesseraError) {
        var next = rankedByHeat(Array(0..<version.count), version)[...]
        // The hottest by itself: what comes beside it must not take its room.
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
            // Full.
            if loaded.contains(false) { return }
        }
    }

    /// The shards, hottest first.
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

    /// Brings a shard, if the policy wants it; queries that want the same at once wait for one reading.
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

    /// Changes the books and drops the shards they name; false where they say nil.
    @discardableResult
    private func drop(_ change: (inout State) -> [ShardCacheKey]?) -> Bool {
        // What is dropped is given back after the lock is.
        let dropped = state.withLock { state in
            change(&state)?.map { state.shards.removeValue(forKey: $0) }
        }
        return dropped != nil
    }

    /// Takes in a shard that was read. False where it takes more than there is room for.
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
