// From a manifest to something that can be searched.
package import Catalog
import ObjectStore
import ShardFile
package import TesseraBase
import VectorCore
import VectorIndex

/// Opens the shards of one version.
package enum VersionLoader {
    /// A searcher for the version: with all codes in memory, or straight from the store.
    ///
    /// - Parameter cold: nil leaves the choice to the store: one whose objects can be read in place is loaded.
    /// - Throws: `unsupported` where this build lacks the engine, and what loading throws.
    package static func searcher(
        _ manifest: Manifest, from catalog: Catalog, pool: WorkPool, cold: Bool?,
        residency: Residency = .codes, engine: SearchEngine = .tessera,
        progress: @escaping ProgressHandler
    ) async throws(TesseraError) -> any VersionSearcher {
        try engine.check(cold: cold, isLocal: catalog.store.isLocal)
        #if Faiss
            if engine == .faiss {
                let loaded = try await load(
                    manifest, from: catalog, pool: pool, residency: residency, progress: progress)
                return try await FaissSearcher(loaded, pool: pool)
            }
        #endif
        if cold ?? !catalog.store.isLocal {
            return try await ColdSearcher(manifest, from: catalog, pool: pool)
        }
        return try await load(
            manifest, from: catalog, pool: pool, residency: residency, progress: progress)
    }

    /// Reads the router and every shard, as many at a time as the pool is wide.
    ///
    /// - Throws: `corrupted` where an object is not what the manifest says, and what the store throws.
    package static func load(
        _ manifest: Manifest, from catalog: Catalog, pool: WorkPool, residency: Residency = .codes,
        progress: @escaping ProgressHandler
    ) async throws(TesseraError) -> IndexSearcher {
        let description = manifest.index
        let store = catalog.store
        let routerKey = ObjectKind.router.key(description.router.digest)
        let router = try RouterFile.read(try await store.get(routerKey), name: routerKey)
        let total = description.shards.count
        let counter = ProgressCounter(
            phase: "loading", total: total, unit: "shards", handler: progress)
        let arena = MemoryArena()
        let shards = try await pool.map(Array(description.shards.enumerated())) {
            item throws(TesseraError) in
            let (ordinal, reference) = item
            let key = ObjectKind.shard.key(reference.digest)
            let shard = try await store.rereadingOnce(key) { () async throws(TesseraError) in
                try await ResidentShard(
                    store: store, key: key, ordinal: ordinal, open: reference.open.range,
                    residency: residency, arena: arena)
            }
            try check(shard, reference, description)
            counter.advance(by: 1)
            return shard
        }
        let padded = router.transform.outputDimension
        guard router.centroids.rows == total, router.centroids.columns == description.dimension,
            shards.allSatisfy({ $0.head.model.shape.paddedDimension == padded })
        else {
            throw TesseraError(.corrupted, "\(routerKey) does not fit the manifest's shards")
        }
        return IndexSearcher(router: router, shards: shards)
    }

    /// Throws `corrupted` unless the shard is the one the manifest describes.
    private static func check(
        _ shard: ResidentShard, _ reference: ShardReference, _ description: IndexDescription
    ) throws(TesseraError) {
        guard shard.head.vectorCount == reference.vectors,
            shard.head.lists.count == reference.lists,
            shard.head.dimension == description.dimension,
            shard.head.metric.rawValue == description.metric,
            shard.head.size == reference.bytes
        else {
            throw TesseraError(
                .corrupted, "\(shard.head.name) is not the shard the manifest describes")
        }
    }
}
