// Without a refine tier results are ordered by the codes: compared with asymmetric distances in
// double precision.
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

/// An index without a refine tier.
struct UnrefinedCase: Sendable, CustomTestStringConvertible {
    let metric: Metric
    let bits: Int
    var rotation = false

    var testDescription: String { "\(metric.rawValue), \(bits) bits\(rotation ? ", rotated" : "")" }

    static let all =
        Metric.allCases.flatMap {
            [UnrefinedCase(metric: $0, bits: 4), UnrefinedCase(metric: $0, bits: 8)]
        }
        + [UnrefinedCase(metric: .l2, bits: 4, rotation: true)]
}

struct UnrefinedSearchTests {
    @Test(arguments: UnrefinedCase.all)
    func `distances are those of the codes within the rounding of tables and bias`(
        _ example: UnrefinedCase
    ) async throws {
        let base = RandomVectors.clustered(rows: 1200, columns: 15, clusters: 12, seed: 6)
        let fixture = try await SearchFixture(
            base,
            IndexPlan(
                metric: example.metric, refine: .none, bits: example.bits,
                rotation: example.rotation, codeSize: 6))
        let searcher = try await fixture.load()
        let shards = try await fixture.shards()
        let decoded = shards.map { $0.decodedCodes() }
        let queries = try SearchFixture.queries(
            RandomVectors.clustered(rows: 20, columns: 15, clusters: 12, seed: 6), example.metric)
        let transform = try await fixture.transform()
        var scratch = SearchScratch()
        for query in 0..<queries.rows {
            let hits = try searcher.search(
                queries.row(query), options: fixture.everywhere(k: 30), scratch: &scratch
            ).hits
            #expect(hits.count == 30)
            for (one, next) in zip(hits, hits.dropFirst()) {
                #expect((one.distance, one.place) < (next.distance, next.place))
            }
            let inner = transform.apply(queries.gathering([query]))
            let bound = shards.map { $0.roundingBound(inner.row(0)) }.max() ?? 0
            let truth = decoded.map { rows in
                rows.map { distance(Array(inner.row(0)), $0, example.metric) }
            }
            for hit in hits {
                let exact = truth[hit.place.shard][hit.place.row]
                #expect(abs(Double(hit.distance) - exact) <= bound)
            }
            let last = truth.flatMap { $0 }.sorted()[29]
            #expect(Double(hits[29].distance) <= last + bound)
        }
    }

    /// Distance as reported: half the squared distance for cosine, since decoded codes are not of
    /// unit length.
    private func distance(_ query: [Float], _ vector: [Float], _ metric: Metric) -> Double {
        metric == .cosine
            ? ExactSearch.distance(query, vector, .l2) / 2
            : ExactSearch.distance(query, vector, metric)
    }

    @Test(
        .enabled(
            if: Python.accepts("import faiss"),
            "python3 cannot import faiss (pip install faiss-cpu)"),
        arguments: UnrefinedCase.all)
    func `plain faiss finds the same neighbours in an exported shard, and decodes the same vectors`(
        _ example: UnrefinedCase
    ) async throws {
        let parity = try await FaissParity(example)
        let result = try parity.run()
        #expect(result.status == 0, "\(result.output)")
        // 8-bit tables compared with floats: close neighbours swap ranks. Measured 0.977 to 1.
        let overlap = try await parity.overlap()
        #expect(overlap >= (example.bits == 4 ? 0.93 : 0.97))
    }
}
