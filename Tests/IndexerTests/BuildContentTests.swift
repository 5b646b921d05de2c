// What goes in is found in the index: each id once, at its vector; and the numbers of the draft add
// up.
import Catalog
import Indexer
import ObjectStore
import ShardFile
import TesseraBase
import TestSupport
import Testing
import VectorCore
import VectorIndex

struct BuildContentTests {
    @Test(
        arguments: Metric.allCases,
        [RefineEncoding.sq8, .f16])
    func `each id is found once, at its vector`(metric: Metric, refine: RefineEncoding) async throws
    {
        let vectors = RandomVectors.clustered(rows: 1200, columns: 10, clusters: 8, seed: 13)
        let ids = (0..<1200).map { "photos/\($0)-ä.jpg" }
        var fixture = try BuildFixture(vectors, metric: metric, ids: ids)
        fixture.settings.shardSize = 300
        fixture.settings.refine = refine
        let draft = try await fixture.build()
        let rows = try await fixture.rows(of: draft)
        #expect(rows.count == 1200)
        let byID = Dictionary(grouping: rows, by: \.id)
        #expect(byID.count == 1200)
        var expected = vectors
        if metric.normalises { try normalise(&expected, firstRow: 0, file: "vectors") }
        for (number, id) in ids.enumerated() {
            let row = try #require(byID[id]?.first)
            let bound = refine == .sq8 ? row.step * 0.51 : 0.001
            let worst = zip(row.vector, expected.row(number)).map { abs($0 - $1) }.max() ?? 0
            #expect(worst <= bound, "\(id)")
        }
    }

    @Test(arguments: [RefineEncoding.sq8, .none])
    func `the numbers of a draft add up`(refine: RefineEncoding) async throws {
        var fixture = try BuildFixture(
            RandomVectors.clustered(rows: 1000, columns: 10, clusters: 8, seed: 14))
        fixture.settings.shardSize = 250
        fixture.settings.refine = refine
        let index = try await fixture.build().index
        #expect(index.vectors == 1000 && index.dimension == 10 && index.metric == "l2")
        #expect(index.refine == refine.rawValue && index.elementType == "f32")
        #expect(index.shards.reduce(0) { $0 + $1.vectors } == 1000)
        #expect(index.idTables.reduce(0) { $0 + $1.entries } == 1000)
        for shard in index.shards {
            #expect(shard.lists == AutomaticParameters.listCount(vectors: shard.vectors))
            let info = try await fixture.catalog.store.head(ObjectKind.shard.key(shard.digest))
            #expect(info?.size == shard.bytes)
            #expect(shard.open.offset + shard.open.length == shard.bytes)
        }
        #expect(index.search.nprobe <= index.shards.reduce(0) { $0 + $1.lists })
        #expect(index.search.probeShards <= index.shards.count)
        let published = try await fixture.catalog.publish().manifest
        #expect(published.index == index)
    }

    @Test func `of duplicate ids the last row stays where that is asked for`() async throws {
        let vectors = RandomVectors.uniform(rows: 500, columns: 6, seed: 15)
        let ids = (0..<500).map { "id\($0 % 120)" }
        var fixture = try BuildFixture(vectors, ids: ids)
        #expect(await fixture.failure()?.code == .invalidArgument)
        fixture.settings.onDuplicate = .last
        let rows = try await fixture.rows(of: try await fixture.build())
        #expect(rows.map(\.id).sorted() == (0..<120).map { "id\($0)" }.sorted())
        for row in rows {
            let number = try #require(Int(row.id.dropFirst(2)))
            let last = number + (number < 20 ? 480 : 360)
            let worst = zip(row.vector, vectors.row(last)).map { abs($0 - $1) }.max() ?? 0
            #expect(worst <= row.step * 0.51)
        }
    }

    @Test
    func `a sample of a file that is nearly all duplicates is still one of the vectors that stay`()
        async throws
    {
        let vectors = RandomVectors.uniform(rows: 6000, columns: 4, seed: 16)
        let ids = (0..<6000).map { $0 < 5990 ? "same" : "id\($0)" }
        var fixture = try BuildFixture(vectors, ids: ids)
        fixture.settings.onDuplicate = .last
        fixture.settings.rotation = true
        let draft = try await fixture.build()
        #expect(draft.index.vectors == 11)
    }

    @Test(
        arguments: [1, 2, 15, 100, 300],
        [1, 3, 97])
    func `tiny inputs and odd dimensions are indexed`(count: Int, dimension: Int) async throws {
        for (bits, rotation) in [(4, false), (8, false), (4, true)] {
            for metric in Metric.allCases {
                var fixture = try BuildFixture(
                    RandomVectors.uniform(rows: count, columns: dimension, seed: 17),
                    metric: metric)
                fixture.settings.bitsPerCode = bits
                fixture.settings.rotation = rotation
                let draft = try await fixture.build()
                let rows = try await fixture.rows(of: draft)
                #expect(rows.map(\.id).sorted() == (0..<count).map(String.init).sorted())
                _ = try await fixture.catalog.publish()
            }
        }
    }
}
