// Where a search finds the shards of one version: held in memory, on local disk, or in the store.
//
// Invariant: what a search is answered does not depend on where its shards are found.
import ObjectStore
import SearchTypes
import ShardFile
package import TesseraBase
import VectorIndex

/// The shards of one version. A shard that is not in memory is opened from the store, or from the
/// disk cache in front of it; opened shards are kept up to a budget of bytes.
package struct ShardSource: Sendable {
    package let objects: VersionObjects
    let reads: ColdReads
    private let opened: OpenShardCache
    private let cache: ShardCache?
    private let shards: VersionShards?
    private let pool: WorkPool
    private let budget: Int

    /// - Parameters:
    ///   - budget: bytes for opened shards, and as many for reading ahead.
    ///   - cache: holds shards in memory; nil: none are.
    package init(
        _ objects: VersionObjects, pool: WorkPool, budget: Int, cache: ShardCache? = nil,
        shards: VersionShards? = nil
    ) {
        self.objects = objects
        self.pool = pool
        self.budget = budget
        self.cache = cache
        self.shards = shards
        reads = ColdReads(store: objects.store, memoryBudget: UInt64(budget))
        opened = OpenShardCache(budget: budget)
    }

    /// Bytes of the shards open now.
    package var openBytes: Int { opened.bytes }

    /// The shards that are in memory now.
    package func held(_ ordinals: [Int]) -> LeasedShards? {
        guard let cache, let shards else { return nil }
        return cache.held(ordinals, of: shards)
    }

    /// The shards, for a search that scans them all; nil unless all are in memory.
    func leaseHeld(_ ordinals: [Int]) -> LeasedShards? {
        guard let cache, let shards else { return nil }
        return cache.leaseHeld(ordinals, of: shards)
    }

    /// The shards that are in memory, for a search that scans them all; others may be brought
    /// there.
    func lease(_ ordinals: [Int]) async -> LeasedShards? {
        guard let cache, let shards else { return nil }
        return await cache.lease(ordinals, of: shards)
    }

    /// Brings shards into memory as long as there is room, those accessed most often first; returns
    /// how many are there.
    func prepare(_ ordinals: [Int], width: Int) async throws(TesseraError) -> Int {
        guard let cache, let shards else { return 0 }
        _ = try await mapConcurrently(cache.rankedByHeat(ordinals, shards), width: width) {
            ordinal in await cache.lease([ordinal], of: shards)
        }
        return cache.held(ordinals, of: shards).shards.count
    }

    /// An opened shard that is at hand without reading.
    func openAtHand(_ ordinal: Int, _ held: LeasedShards?) -> OpenShard? {
        held?.shards[ordinal]?.open ?? opened[ordinal]
    }

    /// Opens shards that are not at hand; their reads go out together.
    func open(_ ordinals: [Int], _ receipt: inout Receipt) async throws(TesseraError) -> [OpenShard]
    {
        guard !ordinals.isEmpty else { return [] }
        let wanted = ordinals.map {
            WantedRange(key: objects.key($0), range: objects.openRange($0))
        }
        var fresh: [OpenShard] = []
        try await reads.forEach(wanted, &receipt) { index, bytes async throws(TesseraError) in
            let (tail, ordinal) = (Array(bytes), ordinals[index])
            fresh.append(
                try await pool.run { () throws(TesseraError) in
                    try objects.open(ordinal, tail: tail)
                })
        }
        for shard in fresh { opened.insert(shard) }
        return fresh
    }

    /// Opens shards ahead of the first query, until half of the budget is used.
    package func warm() async throws(TesseraError) {
        let portion = 256
        var next = 0
        var unused = Receipt()
        while next < objects.shardCount, opened.bytes < budget / 2 {
            let end = min(next + portion, objects.shardCount)
            _ = try await open((next..<end).filter { opened[$0] == nil }, &unused)
            next = end
        }
    }
}

extension ShardSource {
    /// The slowest tier that an answer took anything from.
    func tier(_ receipt: Receipt, _ trace: ReadTrace) -> AnswerSource {
        if receipt.reads == 0 { return .ram }
        if objects.store.isLocal { return .disk }
        return trace.fetched > 0 || trace.cached == 0 ? .store : .disk
    }
}

extension ReadTrace {
    /// Runs `body` and records where its reads were served.
    static func record<Value: Sendable>(
        _ body: () async throws(TesseraError) -> Value
    ) async throws(TesseraError) -> (value: Value, trace: ReadTrace) {
        let trace = ReadTrace()
        let result = await $current.withValue(trace) { await outcome(body) }
        return (try result.get(), trace)
    }
}
