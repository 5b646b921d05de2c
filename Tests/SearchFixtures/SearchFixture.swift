// An index built, published and loaded for a test, with the vectors by place that an oracle needs.
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

/// The ways in which a test's index differs from the default.
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
    /// The store of the catalog's index.
    package let store: any ObjectStore
    package let catalog: Catalog
    package let manifest: Manifest

    /// Trains on `vectors` with external ids "v0", "v1", ... and publishes.
    ///
    /// - Parameter source: what is trained on, where it is not the matrix itself.
    package init(
        _ vectors: Matrix, _ plan: IndexPlan, source: (any VectorSource)? = nil,
        store: any ObjectStore = MemoryStore()
    ) async throws {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        var settings = IndexSettings(
            index: "photos", metric: plan.metric, scratchFolder: folder.url.path)
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
            settings: settings,
            source: source
                ?? MemoryVectors(vectors, ids: (0..<vectors.rows).map { "v\($0)" }),
            backend: MockBackend(), catalog: catalog, pool: WorkPool(width: 2), progress: { _ in }
        ).run()
        manifest = try await catalog.publish().manifest
    }

    /// A searcher with the index in memory.
    package func load(_ residency: Residency = .codes) async throws(TesseraError) -> IndexSearcher {
        try await VersionLoader.load(
            manifest, from: catalog, pool: WorkPool(width: 2), residency: residency,
            progress: { _ in })
    }

    /// The object key of a shard.
    package func shardKey(_ ordinal: Int) -> ObjectKey {
        ObjectKind.shard.key(manifest.index.shards[ordinal].digest)
    }

    /// Options of a search of all lists with all rows as candidates.
    package func everywhere(k: Int) -> SearchOptions {
        SearchOptions(
            k: k, probeCount: manifest.index.shards.reduce(0) { $0 + $1.lists }, listMargin: nil,
            refineDepth: vectors.rows, probeShards: manifest.index.shards.count)
    }

    /// The default options of the index.
    package func defaults(k: Int) -> SearchOptions {
        let search = manifest.index.search
        return SearchOptions(
            k: k, probeCount: search.nprobe,
            listMargin: manifest.index.listMargin(probes: search.nprobe),
            refineDepth: search.refineDepth,
            probeShards: search.probeShards)
    }

    /// The transform from the user's dimension to that of the codes.
    package func transform() async throws -> InputTransform {
        let key = ObjectKind.router.key(manifest.index.router.digest)
        return try RouterFile.read(try await catalog.store.get(key), name: key).transform
    }

    /// Every shard, read whole and verified.
    package func shards() async throws -> [OpenedShard] {
        var shards: [OpenedShard] = []
        for ordinal in manifest.index.shards.indices {
            let object = try await catalog.store.get(shardKey(ordinal))
            shards.append(try OpenedShard(object, ordinal: ordinal))
        }
        return shards
    }

    /// Queries as the metric needs them: of unit length for cosine.
    package static func queries(_ matrix: Matrix, _ metric: Metric) throws -> Matrix {
        var queries = matrix
        if metric.normalises { try normalise(&queries, firstRow: 0, file: "queries") }
        return queries
    }
}

/// A shard in memory, whose rows an oracle can read.
package struct OpenedShard {
    package let ordinal: Int
    package let head: ShardHead
    package let object: [UInt8]

    package init(_ object: [UInt8], ordinal: Int) throws {
        self.object = object
        self.ordinal = ordinal
        head = try ShardHead.verify(object, name: "shard \(ordinal)")
    }

    /// The numeric id of a row.
    package func place(_ row: Int) -> NumericID { NumericID(shard: ordinal, row: row) }

    /// The stored bytes of a row's refine tier.
    package func refineRow(_ row: Int) throws -> ArraySlice<UInt8> {
        guard let range = head.refineRange(row: row) else { return [] }
        return try head.refineRow(
            object[Int(range.lowerBound)..<Int(range.upperBound)], row: row)
    }

    /// The external id of a row.
    package func id(_ row: Int) throws -> String {
        let place = head.idPlace(row: row)
        let block = Array(object[Int(place.range.lowerBound)..<Int(place.range.upperBound)])
        return try head.ids(block, at: place)[place.index]
    }

    /// Every row's decoded code, centroid plus residual: `[rows][paddedDimension]`.
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
