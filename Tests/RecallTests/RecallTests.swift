// Recall of a search, at automatic settings and with more lists.
import Catalog
import Indexer
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

/// An index and its minimum recall: at automatic settings, and with six times the lists.
struct RecallCase: Sendable, CustomTestStringConvertible {
    let partition: PartitionMode
    let refine: RefineEncoding
    let automatic: Double
    let generous: Double

    var testDescription: String { "partition \(partition.rawValue), \(refine.rawValue)" }

    // Measured 0.992, 0.998, 0.998 at automatic settings, and the same with more lists: the
    // remainder is the rounding of the refine tier.
    static let all = [
        RecallCase(partition: .cells, refine: .sq8, automatic: 0.97, generous: 0.975),
        RecallCase(partition: .cells, refine: .f16, automatic: 0.98, generous: 0.99),
        RecallCase(partition: .none, refine: .f16, automatic: 0.97, generous: 0.99),
    ]
}

struct RecallTests {
    @Test(arguments: RecallCase.all)
    func `recall@10 of 20,000 clustered vectors`(_ example: RecallCase) async throws {
        try await expect(
            IndexPlan(refine: example.refine, shardSize: 3000, partition: example.partition),
            automatic: example.automatic, generous: example.generous)
    }

    private func expect(_ plan: IndexPlan, automatic: Double, generous: Double) async throws {
        let all = RandomVectors.clustered(rows: 20_060, columns: 32, clusters: 20, seed: 5)
        let base = all.gathering(Array(0..<20_000))
        let queries = all.gathering(Array(20_000..<20_060))
        let fixture = try await SearchFixture(base, plan)
        let searcher = try await fixture.load()
        let truth = ExactSearch.nearest(queries, in: base, k: 10, metric: .l2)
        let defaults = fixture.defaults(k: 10)
        let first = try recall(searcher, queries, defaults, truth)
        var wide = defaults
        wide.probeCount *= 6
        wide.listMargin = fixture.manifest.index.listMargin(probes: wide.probeCount)
        wide.probeShards = fixture.manifest.index.shards.count
        wide.refineDepth = 1000
        let second = try recall(searcher, queries, wide, truth)
        #expect(first >= automatic)
        #expect(second >= generous)
    }

    private func recall(
        _ searcher: IndexSearcher, _ queries: Matrix, _ options: SearchOptions, _ truth: [[Int]]
    ) throws -> Double {
        var scratch = SearchScratch()
        let found = try (0..<queries.rows).map { query in
            try searcher.search(queries.row(query), options: options, scratch: &scratch)
                .hits.map { Int($0.id.dropFirst()) ?? -1 }
        }
        return ExactSearch.recall(found, truth)
    }
}
