// A shard ready to be searched: its codes are in memory; refine rows and ids stay where they are.
package import ObjectStore
package import ShardFile
package import TesseraBase

/// One shard with its codes. Immutable, so any number of threads may search it at once.
package final class ResidentShard: Sendable {
    package let open: OpenShard
    /// The packed codes of all lists, in list order.
    let codes: [UInt8]
    private let codesOffset: UInt64
    /// Reads refine rows and id blocks.
    let rows: any BlockingReader

    package var head: ShardHead { open.head }

    /// Reads what is needed to open the shard and all its codes, and checks both.
    ///
    /// - Parameters:
    ///   - open: the byte range the manifest names for opening it.
    /// - Throws: `corrupted` where anything does not match, and what the store throws.
    package init(store: any ObjectStore, key: ObjectKey, ordinal: Int, open: Range<UInt64>)
        async throws(TesseraError)
    {
        let shard = try OpenShard(
            tail: try await store.storedPart(key, open), key: key, ordinal: ordinal)
        let lists = shard.head.lists
        codesOffset = lists[0].codes.lowerBound
        codes = try await store.storedPart(
            key, codesOffset..<lists[lists.count - 1].codes.upperBound)
        guard let reader = try store.blockingReader(key) else {
            throw TesseraError(
                .unsupported,
                "\(store.address) cannot be searched in place, only cold; leave out --no-cold")
        }
        rows = reader
        self.open = shard
        for list in lists.indices {
            try head.check(codes: codes[codeRange(of: list)], of: list)
        }
    }

    /// Where the codes of `list` lie in ``codes``.
    func codeRange(of list: Int) -> Range<Int> {
        let range = head.lists[list].codes
        return Int(range.lowerBound - codesOffset)..<Int(range.upperBound - codesOffset)
    }
}
