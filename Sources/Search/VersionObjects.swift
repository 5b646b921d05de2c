// What the objects of a version must be, and how they are read: the one way to read a router, to
// open a shard, and to say that a shard is not what the manifest describes.
package import Catalog
package import ObjectStore
package import ShardFile
package import TesseraBase
package import VectorCore
package import VectorIndex

/// The objects of one version or draft as searches read them.
package struct VersionObjects: Sendable {
    package let index: IndexDescription
    package let store: any ObjectStore
    package let metric: Metric
    /// Whether rows are kept that candidates are compared again by.
    package let refines: Bool

    /// Throws `unsupported` for a metric that this build does not know.
    package init(_ index: IndexDescription, from catalog: Catalog) throws(TesseraError) {
        guard let metric = Metric(rawValue: index.metric) else {
            throw TesseraError(.unsupported, "metric '\(index.metric)' is not known")
        }
        self.index = index
        self.metric = metric
        store = catalog.store
        refines = index.refine != RefineEncoding.none.rawValue
    }

    package var shardCount: Int { index.shards.count }

    package func key(_ ordinal: Int) -> ObjectKey {
        ObjectKind.shard.key(index.shards[ordinal].digest)
    }

    /// Bytes that a reader fetches to open a shard.
    func openRange(_ ordinal: Int) -> Range<UInt64> { index.shards[ordinal].open.range }

    /// Reads the router. Throws `corrupted` where it does not fit the manifest.
    package func router() async throws(TesseraError) -> Router {
        let key = ObjectKind.router.key(index.router.digest)
        let router = try await store.rereadingOnce(key) { () async throws(TesseraError) in
            try RouterFile.read(try await store.get(key), name: key)
        }
        guard router.centroids.rows == index.shards.count,
            router.centroids.columns == index.dimension,
            router.transform.outputDimension == index.paddedDimension
        else { throw TesseraError(.corrupted, "\(key) does not fit the manifest's shards") }
        return router
    }

    /// Opens a shard from the bytes of its open range. Throws `corrupted` where they do not fit.
    func open(_ ordinal: Int, tail: [UInt8]) throws(TesseraError) -> OpenShard {
        let shard = try OpenShard(tail: tail, key: key(ordinal), ordinal: ordinal)
        try check(shard.head, ordinal)
        return shard
    }

    /// Reads what opens a shard.
    func head(_ ordinal: Int) async throws(TesseraError) -> ShardHead {
        let key = key(ordinal)
        let head = try ShardHead(
            tail: try await store.storedPart(key, openRange(ordinal)), name: key)
        try check(head, ordinal)
        return head
    }

    /// Throws `corrupted` unless this is the shard that the manifest describes.
    func check(_ head: ShardHead, _ ordinal: Int) throws(TesseraError) {
        let reference = index.shards[ordinal]
        guard head.metric == metric, head.dimension == index.dimension,
            head.model.shape.paddedDimension == index.paddedDimension,
            head.vectorCount == reference.vectors, head.lists.count == reference.lists,
            head.size == reference.bytes, head.refine.encoding.rawValue == index.refine
        else { throw head.mismatch }
    }
}

extension ShardHead {
    /// The error of a shard that is not what the manifest describes.
    package var mismatch: TesseraError {
        TesseraError(.corrupted, "\(name) is not the shard the manifest describes")
    }
}

extension IndexDescription {
    /// Dimensions of a vector as the quantizer sees it.
    var paddedDimension: Int { quantizer.subquantizers * quantizer.subdimension }
}
