// The stages of a query and the memory they share: nothing of one query reaches the next.
import Catalog
import ObjectStore
import Search
import SearchFixtures
import ShardFile
import TestSupport
import Testing
import VectorCore
import VectorIndex

struct QueryStageTests {
    /// One shard whose rows have an upper and a lower part (sq16).
    private struct Shard {
        let open: OpenShard
        let rows: OpenedShard
        let query: [Float]

        init() async throws {
            let vectors = RandomVectors.clustered(rows: 300, columns: 8, clusters: 6, seed: 3)
            let fixture = try await SearchFixture(
                vectors, IndexPlan(refine: .sq16, shardSize: 1000))
            let range = fixture.manifest.index.shards[0].open.range
            let key = fixture.shardKey(0)
            open = try OpenShard(
                tail: try await fixture.catalog.store.get(key, range: range), key: key, ordinal: 0)
            rows = try await fixture.shards()[0]
            query = Array(vectors.row(7))
        }

        /// Makes `count` rows candidates, as another engine would.
        func candidates(_ count: Int, _ arena: inout QueryArena) throws -> Candidates {
            var routed = arena.begin(
                query[...], transformed: nil,
                paddedDimension: open.head.model.shape.paddedDimension, metric: .l2)
            routed.offer(open.model.view(ordinal: 0))
            let found = (0..<count).map { (slot: 0, row: $0, distance: Float($0)) }
            var candidates = routed.take([(0, 0)]).take(found, &arena)
            candidates.expectRows(of: .sq16)
            for number in 0..<count {
                candidates.store(try rows.refineRow(number), candidate: number)
            }
            return candidates
        }
    }

    @Test func `a query without candidates finds nothing, whatever the query before it found`()
        async throws
    {
        let shard = try await Shard()
        var arena = QueryArena()
        for count in [200, 0, 3, 0, 250, 0] {
            let first = try shard.candidates(count, &arena).compareCoarsely(k: 10)
            #expect(first.fineCount == min(count, 20))
            for index in 0..<first.fineCount { #expect(first.finePlace(index).row < count) }
            let nearest = first.compareWhole(k: 10)
            #expect(nearest.candidates.count == min(count, 10))
            #expect(nearest.fineCount == min(count, 20))
            nearest.finish(&arena)
        }
    }

    @Test func `memory of a query that was dropped midway is not lent again`() async throws {
        let shard = try await Shard()
        var arena = QueryArena()
        let expected = try shard.candidates(50, &arena).unrefined(k: 5)
        let places = expected.candidates
        expected.finish(&arena)
        _ = try shard.candidates(50, &arena)
        _ = try shard.candidates(50, &arena).compareCoarsely(k: 10)
        for _ in 0..<3 {
            let again = try shard.candidates(50, &arena).unrefined(k: 5)
            #expect(again.candidates == places)
            again.finish(&arena)
        }
    }

    @Test func `cuts of a leaf request hold every answer that some cut of its candidates has`()
        async throws
    {
        let shard = try await Shard()
        var arena = QueryArena()
        let nearest = try shard.candidates(120, &arena).refineForCuts(k: 10)
        let (kept, cuts) = (nearest.candidates, nearest.cuts)
        nearest.finish(&arena)
        #expect(cuts.candidates == (0..<120).map(Float.init))
        #expect(cuts.nearest.count == kept.count)
        for depth in [10, 40, 120] {
            let cut = try shard.candidates(depth, &arena).compareCoarsely(k: 10).compareWhole(k: 10)
            let left = zip(kept, cuts.nearest).filter { $0.1 < Float(depth) }.map(\.0)
            #expect(Array(left.prefix(10)) == cut.candidates, "cut at \(depth)")
            cut.finish(&arena)
        }
    }
}
