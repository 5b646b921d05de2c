// A shard in memory, ready to be searched: its codes always, its refine rows and ids if wanted.
import ObjectStore
package import ShardFile
package import TesseraBase
package import VectorCore
import VectorIndex

/// The part of a shard kept in memory.
package enum Residency: String, Sendable, Equatable, CaseIterable {
    /// Codes; refine rows and ids are read when needed.
    case codes
    /// Everything.
    case all
}

/// One shard with its codes in memory. Immutable, so any number of threads may search it at once.
package final class ResidentShard: Sendable {
    package let open: OpenShard
    let storage: ShardStorage
    let ids: ResidentIDs?
    /// Reads refine rows and id blocks that are not in memory; nil if all are.
    let reader: (any BlockingReader)?

    package var head: ShardHead { open.head }
    /// Bytes of memory this takes.
    package var bytes: Int {
        open.bytes + storage.codes.count + (storage.rows?.bytes ?? 0) + (ids?.bytes ?? 0)
    }
    /// Pointers for the hot path, valid as long as this object lives.
    var view: ShardView { open.model.view(ordinal: open.ordinal, storage: storage) }

    /// Opens the shard, reads the parts to keep in memory, and checks all of them.
    ///
    /// - Parameters:
    ///   - arena: holds the codes of all shards of the version.
    ///   - readsInPlace: whether rows and ids that are not kept are read with a ``BlockingReader``.
    ///   - pool: checks and decodes; nil for the calling task.
    /// - Throws: `corrupted` if anything does not match, `unsupported` if rows would have to be
    ///   read in place and the store is not local, and the store's errors.
    package init(
        _ objects: VersionObjects, _ ordinal: Int, residency: Residency, arena: MemoryArena,
        readsInPlace: Bool = true, pool: WorkPool? = nil
    ) async throws(TesseraError) {
        let (store, key) = (objects.store, objects.key(ordinal))
        let tail = try await store.storedPart(key, objects.openRange(ordinal))
        let shard = try await pool.compute { () throws(TesseraError) in
            try objects.open(ordinal, tail: tail)
        }
        reader = residency == .codes && readsInPlace ? try Self.reader(store, key) : nil
        self.open = shard
        let head = shard.head
        let bytes = try await store.storedPart(key, head.codesRange)
        let codes = try await pool.compute { () throws(TesseraError) in
            try Self.check(codes: bytes, head)
            return arena.store(bytes)
        }
        guard residency == .all else {
            storage = ShardStorage(codes: codes, rows: nil)
            ids = nil
            return
        }
        let rows = try await store.storedPart(key, head.rowsRange)
        let loaded = try await pool.compute { () throws(TesseraError) in
            try RowsAndIDs(head, rows)
        }
        storage = ShardStorage(codes: codes, rows: loaded.rows)
        ids = loaded.ids
    }

    private init(_ shard: ResidentShard, ordinal: Int) {
        open = shard.open.placed(at: ordinal)
        storage = shard.storage
        ids = shard.ids
        reader = shard.reader
    }

    /// A copy of the shard in separate memory, including rows and ids. Benchmarks use copies to
    /// measure a search whose memory exceeds the caches. Throws errors of opening the shard.
    func replica(
        _ objects: VersionObjects, arena: MemoryArena
    ) async throws(TesseraError) -> ResidentShard {
        let fresh = try await ResidentShard(
            objects, open.ordinal, residency: .codes, arena: arena, readsInPlace: ids == nil)
        return ResidentShard(
            open: fresh.open,
            storage: ShardStorage(
                codes: fresh.storage.codes, rows: storage.rows.map(RefineRows.init(copying:))),
            ids: ids.map(ResidentIDs.init(copying:)), reader: fresh.reader)
    }

    private init(
        open: OpenShard, storage: ShardStorage, ids: ResidentIDs?, reader: (any BlockingReader)?
    ) {
        self.open = open
        self.storage = storage
        self.ids = ids
        self.reader = reader
    }

    /// The same shard, sharing its memory, as part of another version.
    package func placed(at ordinal: Int) -> ResidentShard {
        ordinal == open.ordinal ? self : ResidentShard(self, ordinal: ordinal)
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

    /// Throws `corrupted` unless `bytes` are the packed codes of all lists.
    private static func check(codes bytes: [UInt8], _ head: ShardHead) throws(TesseraError) {
        let start = head.codesRange.lowerBound
        for (list, entry) in head.lists.enumerated() {
            let range = Int(entry.codes.lowerBound - start)..<Int(entry.codes.upperBound - start)
            try head.check(codes: bytes[range], of: list)
        }
    }
}

extension ShardHead {
    /// Byte range of the packed codes of all lists.
    fileprivate var codesRange: Range<UInt64> {
        lists[0].codes.lowerBound..<lists[lists.count - 1].codes.upperBound
    }
}

extension WorkPool? {
    /// Runs `body` on the pool, or directly if there is none.
    fileprivate func compute<Value: Sendable>(
        _ body: @escaping @Sendable () throws(TesseraError) -> Value
    ) async throws(TesseraError) -> Value {
        guard let pool = self else { return try body() }
        return try await pool.run(body)
    }
}
