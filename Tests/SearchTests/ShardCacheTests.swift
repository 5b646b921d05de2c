// Tests of the shard cache: shards are read once, shared, kept while leased, and stay within the
// budget.
import Catalog
import ObjectStore
import Search
import SearchFixtures
import SearchTypes
import ShardFile
import TesseraBase
import TestSupport
import Testing
import VectorCore
import VectorIndex

struct ShardCacheTests {
    /// Reads per shard: its open range, its codes, its rows and ids.
    private static let readsPerShard = 3

    private func cache(_ budget: Int) -> ShardCache {
        ShardCache(budget: budget, pool: WorkPool(width: 2))
    }

    @Test func `queries that want the same shard at once share one reading`() async throws {
        let fixture = try await TieredFixture.read()
        let store = WatchedStore(fixture.index.store)
        let (cache, shards) = (cache(.max), try fixture.shards(store))
        let leases = await withTaskGroup(of: LeasedShards.self) { group in
            for _ in 0..<50 { group.addTask { await cache.lease([2], of: shards) } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(leases.allSatisfy { $0.shards[2] != nil })
        #expect(store.takeReads() == Self.readsPerShard)
        #expect(cache.statistics.loads == 1)
        #expect(cache.statistics.hits + cache.statistics.misses == 50)
    }

    @Test(arguments: 0..<4)
    func `a query brings the hottest of what it misses, and no more than it may`(limit: Int)
        async throws
    {
        let fixture = try await TieredFixture.read()
        let (cache, shards) = (cache(.max), try fixture.shards(fixture.index.store))
        for ordinal in [3, 3, 1] { _ = await cache.lease([ordinal], of: shards, loads: 0) }
        let lease = await cache.lease([0, 1, 2, 3], of: shards, loads: limit)
        #expect(lease.shards.keys.sorted() == [[], [3], [1, 3], [0, 1, 3]][limit])
    }

    @Test func `shards of one content are held once, whatever their ordinal in a version`()
        async throws
    {
        let fixture = try await TieredFixture.read()
        let store = WatchedStore(fixture.index.store)
        let (cache, first) = (cache(.max), try fixture.shards(store))
        var manifest = fixture.index.manifest
        manifest.index.shards.reverse()
        manifest.index.shards.removeLast()
        let second = try VersionShards(manifest, from: try fixture.catalog(store), residency: .all)
        cache.open(first)
        cache.open(second)
        _ = try await cache.leaseAll(of: first)
        let bytes = cache.statistics.bytes
        _ = store.takeReads()
        let lease = try #require(try await cache.leaseAll(of: second))
        #expect(store.takeReads() == 0)
        #expect(cache.statistics.bytes == bytes)
        for (ordinal, shard) in lease.shards { #expect(shard.open.ordinal == ordinal) }
        // The only shard that just the first version has is dropped with it.
        cache.close(first)
        #expect(cache.statistics.shards == fixture.shardCount - 1)
        cache.close(second)
        #expect(cache.statistics.shards == fixture.shardCount - 1)
        withExtendedLifetime(lease) {}
    }

    @Test func `a lease keeps a shard that no version has any more`() async throws {
        let fixture = try await TieredFixture.read()
        let (cache, shards) = (cache(.max), try fixture.shards(fixture.index.store))
        cache.open(shards)
        var lease: LeasedShards? = await cache.lease([0], of: shards)
        cache.close(shards)
        #expect(cache.statistics.shards == 1)
        #expect(
            lease?.shards[0]?.head.vectorCount == fixture.index.manifest.index.shards[0].vectors)
        lease = nil
        #expect(cache.statistics.shards == 0 && cache.statistics.bytes == 0)
    }

    @Test func `a shard leased is not evicted, and one that came later is`() async throws {
        let fixture = try await TieredFixture.read()
        let store = fixture.index.store
        let sizes = try await sizes(fixture)
        let others = (1..<fixture.shardCount).sorted { sizes[$0] > sizes[$1] }
        let (largest, smaller) = (others[0], others[1])
        let (cache, shards) = (cache(sizes[0] + sizes[largest] * 5 / 4), try fixture.shards(store))
        let lease = await cache.lease([0], of: shards)
        #expect(lease.shards[0] != nil)
        for _ in 0..<3 { _ = await cache.lease([largest], of: shards) }
        // Hotter than both, with room for one of them.
        for _ in 0..<8 { _ = await cache.lease([smaller], of: shards) }
        #expect(cache.held([0], of: shards).shards[0] != nil)
        #expect(cache.held([largest], of: shards).shards[largest] == nil)
        #expect(cache.held([smaller], of: shards).shards[smaller] != nil)
        #expect(cache.statistics.evictions == 1)
        withExtendedLifetime(lease) {}
    }

    /// Bytes of each shard in memory.
    private func sizes(_ fixture: TieredFixture) async throws -> [Int] {
        let lease = try #require(
            try await cache(.max).leaseAll(of: try fixture.shards(fixture.index.store)))
        return (0..<fixture.shardCount).map { lease.shards[$0]?.bytes ?? 0 }
    }

    @Test(arguments: [0, 1, 4, 11])
    func `a store that fails in the middle leaves the cache usable`(reads: Int) async throws {
        let fixture = try await TieredFixture.read()
        let store = WatchedStore(fixture.index.store)
        let (cache, shards) = (cache(.max), try fixture.shards(store))
        store.fail(after: reads)
        await #expect {
            _ = try await cache.leaseAll(of: shards)
        } throws: {
            ($0 as? TesseraError)?.code == .unavailable
        }
        #expect(await cache.lease([7], of: shards).shards.isEmpty)
        #expect(cache.statistics.failures > 0)
        store.fail(after: nil)
        let lease = try #require(try await cache.leaseAll(of: shards))
        #expect(lease.shards.count == fixture.shardCount)
        #expect(cache.statistics.bytes == fixture.bytes[.all])
    }

    @Test func `a version that does not fit beside what is leased is not brought half`()
        async throws
    {
        let fixture = try await TieredFixture.read()
        let store = WatchedStore(fixture.index.store)
        let shards = try fixture.shards(store)
        let cache = cache((fixture.bytes[.all] ?? 0) / 2)
        #expect(try await cache.leaseAll(of: shards) == nil)
        #expect(store.takeReads() == 0 && cache.statistics.shards == 0)
        try await cache.warm(shards)
        #expect((1..<fixture.shardCount).contains(cache.statistics.shards))
        #expect(cache.statistics.bytes <= cache.statistics.budget)
    }

    @Test func `a new version reads no shard that an open one has, and the old one's go with it`()
        async throws
    {
        // A fixture of its own, since the test publishes.
        let fixture = try await TieredFixture()
        let store = WatchedStore(fixture.index.store)
        let provider = fixture.provider(store, budget: .max)
        let old = try await provider.open(index: "photos", version: 1)
        _ = try await fixture.index.catalog.saveDraft(fixture.index.manifest.index)
        let manifest = try await fixture.index.catalog.publish().manifest
        _ = store.takeReads()
        let new = try await provider.open(index: "photos", version: manifest.version)
        #expect(store.takeReads(of: "shards/") == 0)
        #expect(try await new.search(fixture.request).map(\.answer.hits) == fixture.expected)
        await old.retire()
        #expect(provider.statistics.ram.shards == fixture.shardCount)
        #expect(try await new.search(fixture.request).map(\.answer.hits) == fixture.expected)
        await new.retire()
    }

    @Test func `memory goes when a retired version is let go`() async throws {
        let fixture = try await TieredFixture.read()
        let provider = fixture.provider(fixture.index.store, budget: .max)
        // Many times, since memory that outlives the version by a moment is met only by chance.
        for _ in 0..<50 {
            var backend: (any VersionBackend)? = try await provider.open(
                index: "photos", version: 1)
            #expect(provider.statistics.ram.shards == fixture.shardCount)
            await backend?.retire()
            backend = nil
            let left = provider.statistics.ram
            try #require(left.shards == 0 && left.bytes == 0)
        }
    }
}
