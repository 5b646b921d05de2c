// A shard ready to be searched: its codes are in memory, its refine rows and ids too where they are wanted there.
import ObjectStore
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
    /// Bytes of memory this takes.
    package var bytes: Int {
        open.bytes + storage.codes.count + (storage.rows?.bytes ?? 0) + (ids?.bytes ?? 0)
    }
    /// The shard as the hot path sees it, valid as long as this lives.
    var view: ShardView { open.model.view(ordinal: open.ordinal, storage: storage) }

    /// Reads what is needed to open the shard and what is kept of it, and checks all of that.
    ///
    /// - Parameters:
    ///   - arena: for the codes of all shards of the version.
    ///   - readsInPlace: rows and ids that are not kept will be read by a ``BlockingReader``.
    ///   - pool: checks and unpacks, if given; else the calling task does.
    /// - Throws: `corrupted` where anything does not match, `unsupported` where rows would have to be
    ///   read in place and the store is not on this machine, and what the store throws.
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
            try RowsAndIds(head, rows)
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

    /// The same shard in memory of its own, rows and ids copied: for measuring what a search costs
    /// whose memory is larger than the caches. Throws what opening the shard throws.
    func replica(
        _ objects: VersionObjects, arena: MemoryArena
    ) async throws(TesseraError) -> ResidentShard {
        let fresh = try await ResidentShard(
            objects, open.ordinal, residency: .codes, arena: arena, readsInPlace: ids == nil)
        return ResidentShard(
            open: fresh.open,
            storage: ShardStorage(
                codes: fresh.storage.codes, rows: storage.rows.map(RefineRows.init(copying:))),
            ids: ids.map(ResidentIds.init(copying:)), reader: fresh.reader)
    }

    private init(
        open: OpenShard, storage: ShardStorage, ids: ResidentIds?, reader: (any BlockingReader)?
    ) {
        self.open = open
        self.storage = storage
        self.ids = ids
        self.reader = reader
    }

    /// The same memory as a shard of another version.
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
    /// Where the packed codes of all lists lie.
    fileprivate var codesRange: Range<UInt64> {
        lists[0].codes.lowerBound..<lists[lists.count - 1].codes.upperBound
    }
}

extension WorkPool? {
    /// Runs `body` on the pool, or at once where there is none.
    fileprivate func compute<Value: Sendable>(
        _ body: @escaping @Sendable () throws(TesseraError) -> Value
    ) async throws(TesseraError) -> Value {
        guard let pool = self else { return try body() }
        return try await pool.run(body)
    }
}
