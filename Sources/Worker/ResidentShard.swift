// A shard ready to be searched: its codes are in memory; refine rows and ids stay where they are.
package import ObjectStore
package import ShardFile
package import TesseraBase
package import VectorIndex

/// One opened shard. Immutable, so any number of threads may search it at once.
package final class ResidentShard: Sendable {
    package let ordinal: Int
    package let head: ShardHead
    package let model: SearchableModel
    /// The packed codes of all lists, in list order.
    let codes: [UInt8]
    private let codesOffset: UInt64
    /// Reads refine rows and id blocks.
    let rows: any BlockingReader

    /// Reads what is needed to open the shard and all its codes, and checks both.
    ///
    /// - Parameters:
    ///   - open: the byte range the manifest names for opening it.
    /// - Throws: `corrupted` where anything does not match, and what the store throws.
    package init(store: any ObjectStore, key: ObjectKey, ordinal: Int, open: Range<UInt64>)
        async throws(TesseraError)
    {
        let tail = try await store.storedPart(key, open)
        head = try ShardHead(tail: tail, name: key)
        self.ordinal = ordinal
        model = SearchableModel(model: head.model, metric: head.metric)
        codesOffset = head.lists[0].codes.lowerBound
        let end = head.lists[head.lists.count - 1].codes.upperBound
        codes = try await store.storedPart(key, codesOffset..<end)
        guard let reader = try store.blockingReader(key) else {
            throw TesseraError(
                .unsupported,
                "\(store.address) cannot be searched in place; copy it to a file:// store")
        }
        rows = reader
        for list in head.lists.indices {
            try head.check(codes: codes[codeRange(of: list)], of: list)
        }
    }

    /// Where the codes of `list` lie in ``codes``.
    func codeRange(of list: Int) -> Range<Int> {
        let range = head.lists[list].codes
        return Int(range.lowerBound - codesOffset)..<Int(range.upperBound - codesOffset)
    }

    /// Bytes this shard keeps in memory besides its codes: centroids, codebooks and directory.
    package var modelBytes: Int {
        let shape = head.model.shape
        let codebooks = 2 * 4 * shape.paddedDimension * shape.centroidCount
        let lists = head.lists.count
        return codebooks + lists * (shape.paddedDimension + 4 + MemoryLayout<ListEntry>.stride)
            + (head.vectorCount / IdBlock.capacity + lists) * 16
    }
}
