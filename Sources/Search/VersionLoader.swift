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
        let store = catalog.store
        let router = try await router(of: manifest, from: catalog)
        let references = manifest.index.shards
        let counter = ProgressCounter(
            phase: "loading", total: references.count, unit: "shards", handler: progress)
        let arena = MemoryArena()
        let shards = try await pool.map(Array(references.enumerated())) {
            item throws(TesseraError) in
            let (ordinal, reference) = item
            let key = ObjectKind.shard.key(reference.digest)
            let shard = try await store.rereadingOnce(key) { () async throws(TesseraError) in
                try await ResidentShard(
                    store: store, key: key, ordinal: ordinal, open: reference.open.range,
                    residency: residency, arena: arena)
            }
            counter.advance(by: 1)
            return shard
        }
        return try searcher(manifest, router: router, shards: shards)
    }

    /// The same version again in memory of its own. Throws as ``load(_:from:pool:residency:progress:)`` does.
    package static func replica(
        of searcher: IndexSearcher, _ manifest: Manifest, from catalog: Catalog, pool: WorkPool
    ) async throws(TesseraError) -> IndexSearcher {
        let router = try await router(of: manifest, from: catalog)
        let arena = MemoryArena()
        let shards = try await pool.map(searcher.shards) { shard throws(TesseraError) in
            let reference = manifest.index.shards[shard.open.ordinal]
            return try await shard.replica(
                store: catalog.store, key: ObjectKind.shard.key(reference.digest),
                open: reference.open.range, arena: arena)
        }
        return IndexSearcher(router: router, shards: shards)
    }

    /// The version's router. Throws `corrupted` where it does not fit the manifest.
    static func router(of manifest: Manifest, from catalog: Catalog) async throws(TesseraError)
        -> Router
    {
        let key = ObjectKind.router.key(manifest.index.router.digest)
        let router = try RouterFile.read(try await catalog.store.get(key), name: key)
        guard router.centroids.rows == manifest.index.shards.count,
            router.centroids.columns == manifest.index.dimension
        else { throw TesseraError(.corrupted, "\(key) does not fit the manifest's shards") }
        return router
    }

    /// A searcher of a version whose shards, by ordinal, are all there. Throws `corrupted` where they do not fit.
    static func searcher(
        _ manifest: Manifest, router: Router, shards: [ResidentShard]
    ) throws(TesseraError) -> IndexSearcher {
        for (shard, reference) in zip(shards, manifest.index.shards) {
            try check(shard, reference, manifest.index)
        }
        let padded = router.transform.outputDimension
        guard shards.count == router.centroids.rows,
            shards.allSatisfy({ $0.head.model.shape.paddedDimension == padded })
        else {
            let key = ObjectKind.router.key(manifest.index.router.digest)
            throw TesseraError(.corrupted, "\(key) does not fit the manifest's shards")
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
