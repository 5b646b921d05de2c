// The answer depends on version, query and options alone: not on threads, batches, or the processor.
import Catalog
import Indexer
import ObjectStore
import SearchProtocol
import ShardFile
import TesseraBase
import TestSupport
import Testing
import VectorCore
import VectorIndex
import Worker

@Suite(.serialized)
struct SameAnswerTests {
    @Test("answers do not depend on threads or batch size", arguments: [1, 2, 4], [1, 7, 1000])
    func threads(width: Int, batch: Int) async throws {
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

    @Test("answers do not depend on the instruction set", arguments: Metric.allCases, [4, 8])
    func instructionSets(metric: Metric, bits: Int) async throws {
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
