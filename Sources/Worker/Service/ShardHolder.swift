// The shards a worker has in memory, for all versions together: named by their content, so that versions share them.
import Catalog
import ObjectStore
import SearchProtocol
import ShardFile
import Synchronization
import TesseraBase
import VectorCore
import VectorIndex

/// Shards brought into memory for a request; they stay there as long as somebody has this.
struct ShardLease: Sendable {
    /// By ordinal in the version asked for. A shard's own ordinal may be that of another version.
    var shards: [Int: ResidentShard] = [:]
    /// The slowest tier one of them came from.
    var source = AnswerSource.ram
}

/// Keeps whole shards, codes, rows and ids, up to a number of bytes; least recently used out first.
package final class ShardHolder: Sendable {
    private struct Entry {
        let shard: ResidentShard
        let bytes: Int
        var used: UInt64
    }

    private struct State {
        var entries: [ContentDigest: Entry] = [:]
        var bytes = 0
        var clock: UInt64 = 0
    }

    /// Shards brought at once.
    private static let concurrency = 4

    private let budget: Int
    private let state = Mutex(State())
    private let flights = SingleFlight<ContentDigest, ResidentShard>()

    /// - Parameter budget: bytes of shards kept.
    package init(budget: Int) {
        self.budget = budget
    }

    /// Bytes of all shards kept.
    package var bytes: Int { state.withLock { $0.bytes } }
    package var count: Int { state.withLock { $0.entries.count } }

    /// The shards with these ordinals, which must be in range.
    ///
    /// - Throws: `corrupted` where a shard is not what the manifest says, and what the store throws.
    func lease(_ ordinals: [Int], of manifest: Manifest, from catalog: Catalog)
        async throws(TesseraError) -> ShardLease
    {
        var lease = ShardLease()
        var missing: [Int] = []
        for ordinal in ordinals {
            lease.shards[ordinal] = kept(manifest.index.shards[ordinal].digest)
            if lease.shards[ordinal] == nil { missing.append(ordinal) }
        }
        guard !missing.isEmpty else { return lease }
        lease.source = catalog.store.isLocal ? .disk : .store
        let brought = try await mapConcurrently(missing, width: Self.concurrency) {
            ordinal async throws(TesseraError) in
            (ordinal, try await self.bring(ordinal, of: manifest, from: catalog))
        }
        for (ordinal, shard) in brought { lease.shards[ordinal] = shard }
        return lease
    }

    /// Brings shards into memory as long as there is room; the number of them that are there.
    func prepare(_ ordinals: [Int], of manifest: Manifest, from catalog: Catalog)
        async throws(TesseraError) -> Int
    {
        var room = budget
        let fitting = ordinals.prefix { ordinal in
            room -= Int(clamping: manifest.index.shards[ordinal].bytes)
            return room >= 0
        }
        _ = try await mapConcurrently(Array(fitting), width: Self.concurrency) {
            ordinal async throws(TesseraError) in
            _ = try await self.lease([ordinal], of: manifest, from: catalog)
        }
        return fitting.count
    }

    /// Lets go of shards that no version needs any more.
    func forget(_ digests: Set<ContentDigest>) {
        state.withLock { state in
            for digest in digests {
                guard let entry = state.entries.removeValue(forKey: digest) else { continue }
                state.bytes -= entry.bytes
            }
        }
    }

    private func kept(_ digest: ContentDigest) -> ResidentShard? {
        state.withLock { state in
            state.clock += 1
            state.entries[digest]?.used = state.clock
            return state.entries[digest]?.shard
        }
    }

    private func bring(_ ordinal: Int, of manifest: Manifest, from catalog: Catalog)
        async throws(TesseraError) -> ResidentShard
    {
        let reference = manifest.index.shards[ordinal]
        return try await flights.run(reference.digest) { () async throws(TesseraError) in
            if let shard = kept(reference.digest) { return shard }
            let key = ObjectKind.shard.key(reference.digest)
            let store = catalog.store
            let shard = try await store.rereadingOnce(key) { () async throws(TesseraError) in
                try await ResidentShard(
                    store: store, key: key, ordinal: ordinal, open: reference.open.range,
                    residency: .all, arena: MemoryArena())
            }
            try Self.check(shard, reference, manifest.index)
            keep(shard, reference)
            return shard
        }
    }

    private static func check(
        _ shard: ResidentShard, _ reference: ShardReference, _ description: IndexDescription
    ) throws(TesseraError) {
        let head = shard.head
        guard head.vectorCount == reference.vectors, head.lists.count == reference.lists,
            head.dimension == description.dimension, head.metric.rawValue == description.metric,
            head.size == reference.bytes, head.refine.encoding.rawValue == description.refine,
            head.model.shape.paddedDimension == description.paddedDimension
        else {
            throw TesseraError(.corrupted, "\(head.name) is not the shard the manifest describes")
        }
    }

    private func keep(_ shard: ResidentShard, _ reference: ShardReference) {
        let bytes = Int(clamping: reference.bytes)
        state.withLock { state in
            state.clock += 1
            state.entries[reference.digest] = Entry(shard: shard, bytes: bytes, used: state.clock)
            state.bytes += bytes
            while state.bytes > budget, state.entries.count > 1,
                let oldest = state.entries.min(by: { $0.value.used < $1.value.used })
            {
                state.entries[oldest.key] = nil
                state.bytes -= oldest.value.bytes
            }
        }
    }
}

extension IndexDescription {
    /// Dimensions of a vector as the quantizer sees it.
    var paddedDimension: Int { quantizer.subquantizers * quantizer.subdimension }
}
