// Measured recall, compared with the recall of separate queries under an independent oracle.
import Catalog
import Recall
import Search
import SearchFixtures
import SearchTypes
import ShardFile
import TesseraBase
import TestSupport
import Testing
import VectorCore
import VectorIndex

struct RecallSweepTests {
    private static let all = RandomVectors.clustered(
        rows: 6300, columns: 32, clusters: 20, seed: 5)
    private static let base = all.gathering(Array(0..<6000))
    private static let strangers = all.gathering(Array(6000..<6300))

    private func tuner(_ fixture: SearchFixture) -> IndexTuner {
        IndexTuner(
            fixture.catalog, pool: WorkPool(width: 2), scratchFolder: "/nowhere",
            progress: { _ in })
    }

    @Test func `a point's recall is what real queries get, within what a sample can say`()
        async throws
    {
        let fixture = try await SearchFixture(Self.base, IndexPlan(refine: .f16, shardSize: 1500))
        let index = fixture.manifest.index
        let tuner = tuner(fixture)
        let set = try #require(try await tuner.queries(of: index))
        let points = try await tuner.measure(index, by: set).map(\.point)
        #expect(points.count > 3)
        #expect(points.map(\.cost) == points.map(\.cost).sorted())
        #expect(try #require(points.last).recall > 0.99)
        let searcher = try await fixture.load()
        let truth = ExactSearch.nearest(Self.strangers, in: Self.base, k: 10, metric: .l2)
        for point in points {
            let answers = try await searcher.search(
                Self.strangers,
                options: SearchOptions(
                    k: 10, probeCount: point.nprobe,
                    listMargin: index.listMargin(probes: point.nprobe),
                    refineDepth: point.refineDepth,
                    probeShards: index.probeShards(probes: point.nprobe)),
                pool: WorkPool(width: 2), batch: 1
            ).answers
            let found = answers.map { $0.hits.map { Int($0.id.dropFirst()) ?? -1 } }
            let recall = ExactSearch.recall(found, truth)
            // Three standard errors of both samples, and 0.02 for queries that took part in
            // training.
            let margin = 3 * 1.5 * point.standardError + 0.02
            #expect(abs(recall - point.recall) < margin, "\(point): \(recall)")
        }
    }

    @Test func `the query set that train keeps has the oracle's neighbours`() async throws {
        let fixture = try await SearchFixture(Self.base, IndexPlan(shardSize: 1500))
        let set = try #require(try await tuner(fixture).queries(of: fixture.manifest.index))
        #expect(set.queries.rows == 500 && set.k == 10)
        let own = try #require(set.ownIDs).map { Int($0.dropFirst()) ?? -1 }
        #expect(Set(own).count == 500)
        let truth = ExactSearch.nearest(
            set.queries.gathering(Array(0..<40)), in: Self.base, k: 11, metric: .l2)
        for (query, nearest) in truth.enumerated() {
            #expect(Self.base.row(own[query]) == set.queries.row(query))
            #expect(
                set.neighbours[query] == nearest.filter { $0 != own[query] }.map { "v\($0)" })
        }
    }

    @Test func `the truth of the refine tier is the oracle's about what the tier holds`()
        async throws
    {
        let vectors = Self.base.gathering(Array(0..<900))
        let fixture = try await SearchFixture(vectors, IndexPlan(shardSize: 400))
        let stored = try StoredTruth(
            fixture.manifest.index, in: fixture.catalog, pool: WorkPool(width: 2),
            progress: { _ in })
        var rows: [Float] = []
        var names: [String] = []
        for shard in try await fixture.shards() {
            for row in 0..<shard.head.vectorCount {
                rows += shard.head.refine.decode(try shard.refineRow(row))
                names.append(try shard.id(row))
            }
        }
        let decoded = Matrix(rows: names.count, columns: vectors.columns, elements: rows)
        let given = try await stored.about(Self.strangers, k: 10)
        let truth = ExactSearch.nearest(Self.strangers, in: decoded, k: 10, metric: .l2)
        #expect(given.neighbours.map { $0.prefix(10) } == truth.map { $0.map { names[$0] }[...] })
        let drawn = try await stored.sample(30, k: 10, seed: 7)
        let own = try #require(drawn.ownIDs)
        #expect(Set(own).count == 30)
        for (query, name) in own.enumerated() {
            let row = try #require(names.firstIndex(of: name))
            #expect(decoded.row(row) == drawn.queries.row(query))
            #expect(!drawn.neighbours[query].contains(name))
        }
        #expect(try await stored.sample(30, k: 10, seed: 7) == drawn)
        #expect(try await stored.sample(30, k: 10, seed: 8) != drawn)
    }

    @Test
    func `an index without a refine tier is measured by what train kept, and by nothing else`()
        async throws
    {
        let fixture = try await SearchFixture(
            Self.base.gathering(Array(0..<900)), IndexPlan(refine: .none, shardSize: 400))
        let index = fixture.manifest.index
        let set = try #require(try await tuner(fixture).queries(of: index))
        let points = try await tuner(fixture).measure(index, by: set).map(\.point)
        #expect(points.allSatisfy { $0.refineDepth == 10 && $0.rowsRefined == 0 })
        #expect(throws: TesseraError.self) {
            try StoredTruth(
                index, in: fixture.catalog, pool: WorkPool(width: 1), progress: { _ in })
        }
    }
}
