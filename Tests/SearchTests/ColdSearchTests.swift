// Cold search, straight from the store: the same answers as from memory, in three dependent round
// trips.
import Catalog
import ObjectStore
import Search
import SearchFixtures
import SearchTypes
import TesseraBase
import TestSupport
import Testing
import VectorCore
import VectorIndex

struct ColdSearchTests {
    private static let dimension = 24

    private func fixture(_ plan: IndexPlan, rows: Int = 3000) async throws -> SearchFixture {
        try await SearchFixture(
            RandomVectors.clustered(rows: rows, columns: Self.dimension, clusters: 40, seed: 3),
            plan)
    }

    private func queries(_ metric: Metric) throws -> Matrix {
        try SearchFixture.queries(
            RandomVectors.clustered(rows: 20, columns: Self.dimension, clusters: 40, seed: 3),
            metric)
    }

    @Test(
        arguments: Metric.allCases,
        [RefineEncoding.sq8, .f16, .none])
    func `cold and resident searches give the same hits`(metric: Metric, refine: RefineEncoding)
        async throws
    {
        let fixture = try await fixture(IndexPlan(metric: metric, refine: refine))
        let resident = try await fixture.load()
        let cold = try await ColdSearcher(
            fixture.manifest, from: fixture.catalog, pool: WorkPool(width: 2))
        var scratch = SearchScratch()
        let queries = try queries(metric)
        for row in 0..<queries.rows {
            let options = fixture.defaults(k: 10)
            let expected = try resident.search(
                queries.row(row), options: options, scratch: &scratch)
            let answer = try await cold.search(Array(queries.row(row)), options: options)
            #expect(answer.hits == expected.hits)
            #expect(answer.receipt.codesScanned == expected.receipt.codesScanned)
            #expect(answer.receipt.listsScanned == expected.receipt.listsScanned)
            #expect(answer.receipt.shardsTouched == expected.receipt.shardsTouched)
        }
    }

    @Test func `a query takes three round trips, and two once its shards are open`() async throws {
        let fixture = try await fixture(IndexPlan())
        let cold = try await ColdSearcher(
            fixture.manifest, from: fixture.catalog, pool: WorkPool(width: 2))
        let query = Array(try queries(.l2).row(0))
        let first = try await cold.search(query, options: fixture.defaults(k: 10))
        let second = try await cold.search(query, options: fixture.defaults(k: 10))
        #expect(first.receipt.roundTrips == 3)
        #expect(second.receipt.roundTrips == 2)
        #expect(first.hits == second.hits)
        #expect(second.receipt.bytesRead < first.receipt.bytesRead)
    }

    @Test func `a small memory budget costs round trips, not answers`() async throws {
        let fixture = try await fixture(IndexPlan())
        let roomy = try await ColdSearcher(
            fixture.manifest, from: fixture.catalog, pool: WorkPool(width: 2))
        let tight = try await ColdSearcher(
            fixture.manifest, from: fixture.catalog, pool: WorkPool(width: 2), memoryBudget: 4096)
        let query = Array(try queries(.l2).row(1))
        let expected = try await roomy.search(query, options: fixture.defaults(k: 10))
        let answer = try await tight.search(query, options: fixture.defaults(k: 10))
        #expect(answer.hits == expected.hits)
        #expect(answer.receipt.roundTrips > 3)
    }

    @Test(arguments: [0.05, 0.4, 0.6, 0.98])
    func `a damaged shard is an error that names it`(share: Double) async throws {
        let fixture = try await fixture(IndexPlan(shardSize: 10_000))
        let key = fixture.shardKey(0)
        var bytes = try await fixture.catalog.store.get(key)
        // A long stretch of damaged bytes, so that a query meets damage in this section.
        let start = Int(Double(bytes.count) * share)
        for index in start..<min(bytes.count, start + bytes.count / 3) { bytes[index] ^= 0x55 }
        try await fixture.catalog.store.put(key, bytes)
        await #expect {
            let cold = try await ColdSearcher(
                fixture.manifest, from: fixture.catalog, pool: WorkPool(width: 1))
            for row in 0..<20 {
                _ = try await cold.search(
                    Array(try queries(.l2).row(row)), options: fixture.everywhere(k: 10))
            }
        } throws: { error in
            let failure = error as? TesseraError
            return failure?.code == .corrupted && failure?.message.contains(key) == true
        }
    }
}
