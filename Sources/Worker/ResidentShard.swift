// A shard ready to be searched: its codes are in memory, its refine rows and ids too where they are wanted there.
package import ObjectStore
package import ShardFile
package import TesseraBase
package import VectorCore
import VectorIndex

/// What of a shard is kept in memory.
package enum Residency: String, Sendable, Equatable, CaseIterable {
    /// Codes; refine rows and ids are read as they are needed.
    case codes
    /// Everything.
    case all
}

/// One shard with its codes. Immutable, so any number of threads may search it at once.
package final class ResidentShard: Sendable {
    package let open: OpenShard
    let storage: ShardStorage
    let ids: ResidentIds?
    /// Reads refine rows and id blocks that are not in memory; nil where all are.
    let reader: (any BlockingReader)?

    package var head: ShardHead { open.head }
    /// The shard as the hot path sees it, valid as long as this lives.
    var view: ShardView { open.model.view(ordinal: open.ordinal, storage: storage) }

    /// Reads what is needed to open the shard and what is kept of it, and checks all of that.
    ///
    /// - Parameters:
    ///   - open: the byte range the manifest names for opening it.
    ///   - arena: for the codes of all shards of the version.
    /// - Throws: `corrupted` where anything does not match, `unsupported` where rows would have to be read in place and the
    ///   store is not on this machine, and what the store throws.
    package init(
        store: any ObjectStore, key: ObjectKey, ordinal: Int, open: Range<UInt64>,
        residency: Residency, arena: MemoryArena
    ) async throws(TesseraError) {
        let shard = try OpenShard(
            tail: try await store.storedPart(key, open), key: key, ordinal: ordinal)
        reader = residency == .all ? nil : try Self.reader(store, key)
        self.open = shard
        let codes = arena.store(try await Self.codes(shard.head, store, key))
        guard residency == .all else {
            storage = ShardStorage(codes: codes, rows: nil)
            ids = nil
            return
        }
        let loaded = try await RowsAndIds.load(shard.head, store, key)
        storage = ShardStorage(codes: codes, rows: loaded.rows)
        ids = loaded.ids
    }

    private static func reader(_ store: any ObjectStore, _ key: ObjectKey)
        throws(TesseraError) -> any BlockingReader
    {
        guard let reader = try store.blockingReader(key) else {
            throw TesseraError(
                .unsupported,
                "\(store.address) cannot be searched in place, only cold; leave out --no-cold")
        }
        return reader
    }

    /// The packed codes of all lists, checked.
    private static func codes(
        _ head: ShardHead, _ store: any ObjectStore, _ key: ObjectKey
    ) async throws(TesseraError) -> [UInt8] {
        let start = head.lists[0].codes.lowerBound
        let bytes = try await store.storedPart(
            key, start..<head.lists[head.lists.count - 1].codes.upperBound)
        for (list, entry) in head.lists.enumerated() {
            let range = Int(entry.codes.lowerBound - start)..<Int(entry.codes.upperBound - start)
            try head.check(codes: bytes[range], of: list)
        }
        return bytes
    }
}
