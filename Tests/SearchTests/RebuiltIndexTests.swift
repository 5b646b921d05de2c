// An index rebuilt from the shards of another one finds what that one finds.
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

struct RebuiltIndexTests {
    @Test(arguments: [Metric.l2, .cosine], [RefineEncoding.f16, .sq16])
    func `a rebuilt index finds the same neighbours, by the same ids`(
        metric: Metric, refine: RefineEncoding
    ) async throws {
        let base = RandomVectors.clustered(rows: 3000, columns: 20, clusters: 15, seed: 61)
        let plan = IndexPlan(metric: metric, refine: refine, shardSize: 500)
        let original = try await SearchFixture(base, plan)
        let rebuilt = try await SearchFixture(
            base, plan, source: ShardVectors(original.manifest, from: original.catalog))
        let queries = try SearchFixture.queries(
            RandomVectors.clustered(rows: 100, columns: 20, clusters: 15, seed: 62), metric)
        let expected = try await neighbours(queries, original)
        let found = try await neighbours(queries, rebuilt)
        let shared = zip(expected, found).reduce(0) { $0 + Set($1.0).intersection($1.1).count }
        // Rounding to half floats or 16 bits changes the order of near ties only; measured: at
        // least 0.996.
        #expect(Double(shared) / 1000 > 0.99)
    }

    /// The ids of the 10 nearest rows for each query, over all lists.
    private func neighbours(_ queries: Matrix, _ fixture: SearchFixture) async throws -> [[String]]
    {
        let searcher = try await fixture.load()
        var scratch = SearchScratch()
        return try (0..<queries.rows).map { query in
            try searcher.search(
                queries.row(query), options: fixture.everywhere(k: 10), scratch: &scratch
            ).hits.map(\.id)
        }
    }
}
