// The shards of one version as the memory cache uses them: keys by content, size estimates and
// loading.
package import Catalog
import ObjectStore
import ShardFile
package import TesseraBase
import VectorCore

/// The shards of a version, and the part of each to keep in memory.
package struct VersionShards: Sendable {
    package let residency: Residency
    let objects: VersionObjects

    /// Throws `unsupported` for a metric that this build does not know.
    package init(_ manifest: Manifest, from catalog: Catalog, residency: Residency)
        throws(TesseraError)
    {
        self.init(try VersionObjects(manifest.index, from: catalog), residency: residency)
    }

    package init(_ objects: VersionObjects, residency: Residency) {
        self.objects = objects
        self.residency = residency
    }

    package var count: Int { objects.shardCount }

    func key(_ ordinal: Int) -> ShardCacheKey {
        ShardCacheKey(digest: objects.index.shards[ordinal].digest, residency: residency)
    }

    var keys: [ShardCacheKey] { objects.index.shards.indices.map(key) }

    /// Estimated bytes of a shard in memory. The object holds rows, codes and model, and the ids in
    /// compressed form.
    func estimate(_ ordinal: Int) -> Int {
        let reference = objects.index.shards[ordinal]
        guard residency == .codes else { return Int(clamping: reference.bytes) }
        let quantizer = objects.index.quantizer
        let codes = reference.vectors * (quantizer.subquantizers * quantizer.bits / 8 + 1)
        return codes + 2 * Int(clamping: reference.open.length)
    }

    /// Loads a shard. Throws `corrupted` if it does not match the manifest, and the store's errors.
    func load(_ ordinal: Int, pool: WorkPool) async throws(TesseraError) -> ResidentShard {
        try await objects.store.rereadingOnce(objects.key(ordinal)) {
            () async throws(TesseraError) in
            // A separate arena, freed with the shard.
            try await ResidentShard(
                objects, ordinal, residency: residency, arena: MemoryArena(chunkSize: 0),
                readsInPlace: objects.store.isLocal, pool: pool)
        }
    }
}
