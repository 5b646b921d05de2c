// An index built, published and loaded for a test, and what an oracle needs of it: the vectors by
// their places.
package import Catalog
import Foundation
package import Indexer
package import ObjectStore
package import Search
package import SearchTypes
package import ShardFile
package import TesseraBase
import TestSupport
package import VectorCore
package import VectorIndex

/// How an index differs from the plain one.
package struct IndexPlan: Sendable {
    package var metric = Metric.l2
    package var refine = RefineEncoding.sq8
    package var bits = 4
    package var shardSize = 400
    package var partition = PartitionMode.cells
    package var rotation = false
    package var codeSize: Int?

    package init(
        metric: Metric = .l2, refine: RefineEncoding = .sq8, bits: Int = 4, shardSize: Int = 400,
        partition: PartitionMode = .cells, rotation: Bool = false, codeSize: Int? = nil
    ) {
        self.metric = metric
        self.refine = refine
        self.bits = bits
        self.shardSize = shardSize
        self.partition = partition
        self.rotation = rotation
        self.codeSize = codeSize
    }
}

/// A published index over a memory store.
package struct SearchFixture {
    package let vectors: Matrix
    package let metric: Metric
    /// What the catalog's index lies in.
    package let store: any ObjectStore
    package let catalog: Catalog
    package let manifest: Manifest

    /// Trains on `vectors` with external ids "v0", "v1", ... and publishes.
    package init(_ vectors: Matrix, _ plan: IndexPlan, store: any ObjectStore = MemoryStore())
        async throws
    {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let input = folder.path("vectors.fbin")
        try VectorFileWriter.write(vectors, to: input)
        let lines = (0..<vectors.rows).map { "v\($0)\n" }.joined()
        var settings = IndexSettings(
            index: "photos", vectorsPath: input,
            idsPath: try folder.write("ids.txt", Data(lines.utf8)), metric: plan.metric,
            scratchFolder: folder.url.path)
        settings.shardSize = plan.shardSize
        settings.refine = plan.refine
        settings.bitsPerCode = plan.bits
        settings.partition = plan.partition
        settings.rotation = plan.rotation
        settings.codeSize = plan.codeSize
        self.vectors = vectors
        metric = plan.metric
        self.store = store
        catalog = try Catalog(store: store, index: IndexName("photos"))
        _ = try await IndexBuilder(
            settings: settings, backend: MockBackend(), catalog: catalog,
            pool: WorkPool(width: 2), progress: { _ in }
        ).run()
        manifest = try await catalog.publish().manifest
    }

    package func load(_ residency: Residency = .codes) async throws(TesseraError) -> IndexSearcher {
        try await VersionLoader.load(
            manifest, from: catalog, pool: WorkPool(width: 2), residency: residency,
            progress: { _ in })
    }

    package func shardKey(_ ordinal: Int) -> ObjectKey {
        ObjectKind.shard.key(manifest.index.shards[ordinal].digest)
    }

    /// What a search that looks everywhere is asked.
    package func everywhere(k: Int) -> SearchOptions {
        SearchOptions(
            k: k, probeCount: manifest.index.shards.reduce(0) { $0 + $1.lists }, listMargin: nil,
            refineDepth: vectors.rows, probeShards: manifest.index.shards.count)
    }

    /// What a search is asked unless somebody knows better.
    package func defaults(k: Int) -> SearchOptions {
        let search = manifest.index.search
        return SearchOptions(
            k: k, probeCount: search.nprobe,
            listMargin: manifest.index.listMargin(probes: search.nprobe),
            refineDepth: search.refineDepth,
            probeShards: search.probeShards)
    }

    /// From the user's dimension to that of the codes.
    package func transform() async throws -> InputTransform {
        let key = ObjectKind.router.key(manifest.index.router.digest)
        return try RouterFile.read(try await catalog.store.get(key), name: key).transform
    }

    /// Every shard, read whole and checked.
    package func shards() async throws -> [OpenedShard] {
        var shards: [OpenedShard] = []
        for ordinal in manifest.index.shards.indices {
            let object = try await catalog.store.get(shardKey(ordinal))
            shards.append(try OpenedShard(object, ordinal: ordinal))
        }
        return shards
    }

    /// Rows as a query must be for the metric: of unit length for cosine.
    package static func queries(_ matrix: Matrix, _ metric: Metric) throws -> Matrix {
        var queries = matrix
        if metric.normalises { try normalise(&queries, firstRow: 0, file: "queries") }
        return queries
    }
}

/// A shard whose every row an oracle can look at.
package struct OpenedShard {
    package let ordinal: Int
    package let head: ShardHead
    package let object: [UInt8]

    package init(_ object: [UInt8], ordinal: Int) throws {
        self.object = object
        self.ordinal = ordinal
        head = try ShardHead.verify(object, name: "shard \(ordinal)")
    }

    package func place(_ row: Int) -> NumericID { NumericID(shard: ordinal, row: row) }

    /// The stored bytes of a row's refine tier.
    package func refineRow(_ row: Int) throws -> ArraySlice<UInt8> {
        guard let range = head.refineRange(row: row) else { return [] }
        return try head.refineRow(
            object[Int(range.lowerBound)..<Int(range.upperBound)], row: row)
    }

    package func id(_ row: Int) throws -> String {
        let place = head.idPlace(row: row)
        let block = Array(object[Int(place.range.lowerBound)..<Int(place.range.upperBound)])
        return try head.ids(block, at: place)[place.index]
    }

    /// What each row's code stands for, centroid and residual together: `[rows][paddedDimension]`.
    package func decodedCodes() -> [[Float]] {
        let (model, shape) = (head.model, head.model.shape)
        let centroids = model.centroids
        return head.lists.enumerated().flatMap { list, entry in
            let codes = CodePacking.unpack(
                object[Int(entry.codes.lowerBound)..<Int(entry.codes.upperBound)],
                count: entry.count, shape: shape, hasBias: head.hasBias)
            return (0..<entry.count).map { row in
                var vector = Array(centroids.row(list))
                for column in vector.indices {
                    let subquantizer = column / shape.subdimension
                    let code = Int(codes[row * shape.subquantizerCount + subquantizer])
                    let word = (subquantizer * shape.centroidCount + code) * shape.subdimension
                    vector[column] +=
                        model.codebooks.centroids[word + column % shape.subdimension]
                }
                return vector
            }
        }
    }
}
