// An exported shard, and what exhaustive search over its codes finds, as Scripts/faiss-parity.py
// wants to hear it.
import Catalog
import Foundation
import Indexer
import ObjectStore
import Search
import SearchFixtures
import SearchTypes
import ShardFile
import TesseraBase
import TestSupport
import VectorCore
import VectorIndex

/// One index of a single shard without refine tier, looked at by Faiss and by us.
struct FaissParity {
    private static let k = 10
    private let example: UnrefinedCase
    private let fixture: SearchFixture
    private let queries: Matrix
    private let expectation: Expectation
    private let file: [UInt8]

    private struct Expectation: Encodable {
        let k: Int
        let ids: [[Int]]
        let distances: [[Double]]
        let decoded: [[Float]]
    }

    init(_ example: UnrefinedCase) async throws {
        self.example = example
        let base = RandomVectors.clustered(rows: 1000, columns: 22, clusters: 10, seed: 9)
        fixture = try await SearchFixture(
            base,
            IndexPlan(
                metric: example.metric, refine: .none, bits: example.bits, shardSize: 1000,
                rotation: example.rotation, codeSize: 8))
        queries = try SearchFixture.queries(
            RandomVectors.clustered(rows: 30, columns: 22, clusters: 10, seed: 9), example.metric)
        let exported = try await FaissExporter(manifest: fixture.manifest, catalog: fixture.catalog)
            .export(shard: 0)
        file = exported.file
        let shard = try await fixture.shards()[0]
        precondition(exported.ids.map(\.id) == Array(0..<1000), "ids of shard 0 are rows")
        let decoded = shard.decodedCodes()
        let inner = try await fixture.transform().apply(queries)
        let metric: Metric = example.metric == .innerProduct ? .innerProduct : .l2
        let found = (0..<inner.rows).map { query in
            decoded.indices.map { row in
                (ExactSearch.distance(Array(inner.row(query)), decoded[row], metric), row)
            }.sorted { $0 < $1 }.prefix(Self.k)
        }
        let sign: Double = metric == .innerProduct ? -1 : 1
        expectation = Expectation(
            k: Self.k, ids: found.map { $0.map(\.1) },
            distances: found.map { $0.map { sign * $0.0 } },
            decoded: decoded)
    }

    /// Asks Faiss.
    func run() throws -> (status: Int32, output: String) {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        try VectorFileWriter.write(queries, to: folder.path("queries.fbin"))
        return try Python.run([
            Python.script("faiss-parity.py"), folder.write("index.faiss", Data(file)),
            folder.path("queries.fbin"),
            folder.write("expected.json", JSONEncoder().encode(expectation)),
        ])
    }

    /// The share of those neighbours that our search finds.
    func overlap() async throws -> Double {
        let searcher = try await fixture.load()
        var scratch = SearchScratch()
        let found = try (0..<queries.rows).map { query in
            try searcher.search(
                queries.row(query), options: fixture.everywhere(k: Self.k), scratch: &scratch
            ).hits.map(\.place.row)
        }
        return ExactSearch.recall(found, expectation.ids)
    }
}
