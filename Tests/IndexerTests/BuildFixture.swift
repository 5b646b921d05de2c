// A build for a test: vectors in, draft and shards out.
import Catalog
import Foundation
import Indexer
import ObjectStore
import ShardFile
import TesseraBase
import TestSupport
import VectorCore
import VectorIndex

/// A folder with input files and a catalog to build into.
struct BuildFixture {
    let folder: TemporaryFolder
    let catalog: Catalog
    var settings: IndexSettings
    var source: any VectorSource

    /// - Parameter ids: one external id a vector; row numbers where nil.
    init(
        _ vectors: Matrix, metric: Metric = .l2, ids: [String]? = nil,
        store: any ObjectStore = MemoryStore()
    ) throws {
        let folder = try TemporaryFolder()
        self.folder = folder
        catalog = try Catalog(store: store, index: IndexName("photos"))
        let input = folder.path("vectors.fbin")
        try VectorFileWriter.write(vectors, to: input)
        let idsPath = try ids.map { ids in
            try folder.write("ids.txt", Data(ids.map { $0 + "\n" }.joined().utf8))
        }
        settings = IndexSettings(
            index: "photos", metric: metric, scratchFolder: folder.url.path)
        source = try FileVectors(vectorsPath: input, idsPath: idsPath)
    }

    func build(_ backend: any IndexBackend = MockBackend(), threads: Int = 2)
        async throws(TesseraError) -> Draft
    {
        defer { withExtendedLifetime(folder) {} }
        return try await IndexBuilder(
            settings: settings, source: source, backend: backend, catalog: catalog,
            pool: WorkPool(width: threads), progress: { _ in }
        ).run()
    }

    /// The stored rows of a draft, in order of shard and row.
    func rows(of draft: Draft) async throws -> [StoredRow] {
        var rows: [StoredRow] = []
        for (ordinal, reference) in draft.index.shards.enumerated() {
            let key = ObjectKind.shard.key(reference.digest)
            let object = try await catalog.store.get(key)
            let head = try ShardHead.verify(object, name: key)
            for row in 0..<head.vectorCount {
                let place = head.idPlace(row: row)
                let block = Array(
                    object[Int(place.range.lowerBound)..<Int(place.range.upperBound)])
                var vector: [Float] = []
                if let range = head.refineRange(row: row) {
                    vector = head.refine.decode(
                        try head.refineRow(
                            object[Int(range.lowerBound)..<Int(range.upperBound)], row: row))
                }
                rows.append(
                    StoredRow(
                        shard: ordinal, id: try head.ids(block, at: place)[place.index],
                        vector: vector, step: head.refine.step.max() ?? 0))
            }
        }
        return rows
    }

    /// What the build throws; nil where it succeeds.
    func failure() async -> TesseraError? {
        do throws(TesseraError) {
            _ = try await build()
            return nil
        } catch { return error }
    }
}

/// A vector as an index holds it.
struct StoredRow {
    let shard: Int
    let id: String
    /// Decoded from the refine tier.
    let vector: [Float]
    /// The largest step of the shard's 8-bit quantizer.
    let step: Float
}
