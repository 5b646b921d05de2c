// Makes a searcher from a manifest.
package import Catalog
import ObjectStore
import ShardFile
package import TesseraBase
import VectorCore
import VectorIndex

/// Opens the shards of one version.
package enum VersionLoader {
    /// A searcher for the version, either with all codes in memory or reading from the store.
    ///
    /// - Parameter cold: nil leaves the choice to the store: one whose objects can be read in place
    ///   is loaded.
    /// - Throws: `unsupported` if this build lacks the engine, and errors of loading.
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

    /// Reads the router and all shards, one shard per thread of the pool at a time.
    ///
    /// - Throws: `corrupted` if an object does not match the manifest, and the store's errors.
    package static func load(
        _ manifest: Manifest, from catalog: Catalog, pool: WorkPool, residency: Residency = .codes,
        progress: @escaping ProgressHandler
    ) async throws(TesseraError) -> IndexSearcher {
        let objects = try VersionObjects(manifest.index, from: catalog)
        let router = try await objects.router()
        let counter = ProgressCounter(
            phase: "loading", total: objects.shardCount, unit: "shards", handler: progress)
        let arena = MemoryArena()
        let shards = try await pool.map(Array(0..<objects.shardCount)) {
            ordinal throws(TesseraError) in
            let shard = try await objects.store.rereadingOnce(objects.key(ordinal)) {
                () async throws(TesseraError) in
                try await ResidentShard(objects, ordinal, residency: residency, arena: arena)
            }
            counter.advance(by: 1)
            return shard
        }
        return IndexSearcher(router: router, shards: shards)
    }

    /// A copy of the version in separate memory. Throws as
    /// ``load(_:from:pool:residency:progress:)`` does.
    package static func replica(
        of searcher: IndexSearcher, _ manifest: Manifest, from catalog: Catalog, pool: WorkPool
    ) async throws(TesseraError) -> IndexSearcher {
        let objects = try VersionObjects(manifest.index, from: catalog)
        let router = try await objects.router()
        let arena = MemoryArena()
        let shards = try await pool.map(searcher.shards) { shard throws(TesseraError) in
            try await shard.replica(objects, arena: arena)
        }
        return IndexSearcher(router: router, shards: shards)
    }
}
