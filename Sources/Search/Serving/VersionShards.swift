// The shards of one version as a cache in memory sees them: by content, with what they take and how
// they are read.
package import Catalog
import ObjectStore
import ShardFile
package import TesseraBase
import VectorCore

/// The shards of a version, and what of them is kept.
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

    /// About what a shard will take in memory: the object has its rows, codes and model, and its ids in
    /// a shorter form.
    func estimate(_ ordinal: Int) -> Int {
        let reference = objects.index.shards[ordinal]
        guard residency == .codes else { return Int(clamping: reference.bytes) }
        let quantizer = objects.index.quantizer
        let codes = reference.vectors * (quantizer.subquantizers * quantizer.bits / 8 + 1)
        return codes + 2 * Int(clamping: reference.open.length)
    }

    /// Reads a shard. Throws `corrupted` where it is not what the manifest says, and what the store
    /// throws.
    func load(_ ordinal: Int, pool: WorkPool) async throws(TesseraError) -> ResidentShard {
        try await objects.store.rereadingOnce(objects.key(ordinal)) {
            () async throws(TesseraError) in
            // Its own piece of memory, which goes when the shard goes.
            try await ResidentShard(
                objects, ordinal, residency: residency, arena: MemoryArena(chunkSize: 0),
                readsInPlace: objects.store.isLocal, pool: pool)
        }
    }
}
