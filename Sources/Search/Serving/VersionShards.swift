// The shards of one version as a cache in memory sees them: by content, with what they take and how they are read.
package import Catalog
import ObjectStore
import ShardFile
import TesseraBase
import VectorCore

/// The shards of a version, and what of them is kept.
package struct VersionShards: Sendable {
    package let residency: Residency
    let references: [ShardReference]
    private let description: IndexDescription
    private let store: any ObjectStore

    package init(_ manifest: Manifest, from catalog: Catalog, residency: Residency) {
        self.residency = residency
        description = manifest.index
        references = manifest.index.shards
        store = catalog.store
    }

    package var count: Int { references.count }

    func key(_ ordinal: Int) -> ShardCacheKey {
        ShardCacheKey(digest: references[ordinal].digest, residency: residency)
    }

    var keys: [ShardCacheKey] { references.indices.map(key) }

    /// What a shard will take in memory, about: the object has its rows, codes and model, and ids in a shorter form.
    func estimate(_ ordinal: Int) -> Int {
        let reference = references[ordinal]
        guard residency == .codes else { return Int(clamping: reference.bytes) }
        let quantizer = description.quantizer
        let codes = reference.vectors * (quantizer.subquantizers * quantizer.bits / 8 + 1)
        return codes + 2 * Int(clamping: reference.open.length)
    }

    /// Reads a shard. Throws `corrupted` where it is not what the manifest says, and what the store throws.
    func load(_ ordinal: Int, pool: WorkPool) async throws(TesseraError) -> ResidentShard {
        let reference = references[ordinal]
        let key = ObjectKind.shard.key(reference.digest)
        return try await store.rereadingOnce(key) { () async throws(TesseraError) in
            // Its own piece of memory, which goes when the shard goes.
            let shard = try await ResidentShard(
                store: store, key: key, ordinal: ordinal, open: reference.open.range,
                residency: residency, arena: MemoryArena(chunkSize: 0),
                readsInPlace: store.isLocal, pool: pool)
            guard shard.head.vectorCount == reference.vectors, shard.head.size == reference.bytes
            else {
                throw TesseraError(.corrupted, "\(key) is not the shard the manifest describes")
            }
            return shard
        }
    }
}
