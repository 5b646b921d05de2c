// The answer depends only on version, query and options: not on threads, batches or the processor.
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

@Suite(.serialized)
struct SameAnswerTests {
    @Test(arguments: [1, 2, 4], [1, 7, 1000])
    func `answers do not depend on threads or batch size`(width: Int, batch: Int) async throws {
        let (fixture, queries) = try await small(IndexPlan())
        let searcher = try await fixture.load()
        let options = fixture.defaults(k: 10)
        var scratch = SearchScratch()
        let expected = try (0..<queries.rows).map {
            try searcher.search(queries.row($0), options: options, scratch: &scratch)
        }
        let run = try await searcher.search(
            queries, options: options, pool: WorkPool(width: width), batch: batch)
        #expect(run.answers.map(\.hits) == expected.map(\.hits))
        #expect(run.answers.map(\.receipt.codesScanned) == expected.map(\.receipt.codesScanned))
        #expect(run.latencies.count == queries.rows)
    }

    /// A batch scans lists in another order than a single query does. Half of the vectors have a
    /// duplicate, so that candidates tie wherever they are cut.
    @Test(arguments: Metric.allCases, [4, 8])
    func `answers of a batch are those of its queries alone`(metric: Metric, bits: Int) async throws
    {
        let half = RandomVectors.clustered(rows: 700, columns: 21, clusters: 40, seed: 3)
        let twice = Matrix(rows: 1400, columns: 21, elements: half.elements + half.elements)
        let queries = try SearchFixture.queries(
            RandomVectors.clustered(rows: 90, columns: 21, clusters: 40, seed: 3), metric)
        for refine in RefineEncoding.allCases {
            let fixture = try await SearchFixture(
                twice, IndexPlan(metric: metric, refine: refine, bits: bits))
            var options = fixture.defaults(k: 10)
            options.probeCount = 24
            options.listMargin = nil
            options.refineDepth = 25
            for residency in Residency.allCases {
                let searcher = try await fixture.load(residency)
                var scratch = SearchScratch()
                let alone = try (0..<queries.rows).map {
                    try searcher.search(queries.row($0), options: options, scratch: &scratch)
                }
                let run = try await searcher.search(
                    queries, options: options, pool: WorkPool(width: 1), batch: queries.rows)
                #expect(run.answers.map(\.hits) == alone.map(\.hits), "\(refine), \(residency)")
                for count in [\Receipt.listsScanned, \.listsSkipped, \.rowsRefined] {
                    #expect(
                        run.answers.map { $0.receipt[keyPath: count] }
                            == alone.map { $0.receipt[keyPath: count] })
                }
                // More lists than the batch scans per query.
                #expect(alone.contains { $0.receipt.listsScanned > 3 })
            }
        }
    }

    @Test(arguments: Metric.allCases, [4, 8])
    func `answers do not depend on the instruction set`(metric: Metric, bits: Int) async throws {
        let best = Kernels.instructionSet
        defer { _ = Kernels.force(instructionSet: best) }
        for refine in RefineEncoding.allCases {
            let (fixture, queries) = try await small(
                IndexPlan(metric: metric, refine: refine, bits: bits))
            var answers: [[[Hit]]] = []
            for name in Kernels.instructionSets {
                #expect(Kernels.force(instructionSet: name))
                let searcher = try await fixture.load()
                let run = try await searcher.search(
                    queries, options: fixture.defaults(k: 10), pool: WorkPool(width: 1), batch: 8)
                answers.append(run.answers.map(\.hits))
            }
            #expect(answers.allSatisfy { $0 == answers[0] })
        }
    }

    private func small(_ plan: IndexPlan) async throws -> (SearchFixture, Matrix) {
        let base = RandomVectors.clustered(rows: 900, columns: 21, clusters: 15, seed: 12)
        let queries = RandomVectors.clustered(rows: 40, columns: 21, clusters: 15, seed: 12)
        return (
            try await SearchFixture(base, plan), try SearchFixture.queries(queries, plan.metric)
        )
    }
}
