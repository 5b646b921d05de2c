// Reads a whole cached object on the calling thread.
internal import Synchronization
internal import TesseraBase

/// Checks each block the first time it is touched; later reads of it cost what a plain file costs.
final class CacheReader: BlockingReader {
    private let entry: CacheEntry
    private let name: String
    private let checked: Mutex<[Bool]>
    private let drop: @Sendable () -> Void

    /// - Parameter drop: removes the entry from the cache, because it is damaged.
    init(_ entry: CacheEntry, name: String, drop: @escaping @Sendable () -> Void) {
        checked = Mutex([Bool](repeating: false, count: entry.header.checks.count))
        self.entry = entry
        self.name = name
        self.drop = drop
    }

    var size: UInt64 { entry.header.span.upperBound }

    func read(
        at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer
    ) throws(TesseraError) {
        guard offset <= size, UInt64(buffer.count) <= size - offset else {
            throw TesseraError(
                .corrupted,
                "\(name) ends at byte \(size), before byte \(offset) plus \(buffer.count)")
        }
        guard !buffer.isEmpty else { return }
        try check(offset..<offset + UInt64(buffer.count))
        try entry.file.read(into: buffer, at: entry.header.payloadOffset + offset)
    }

    private func check(_ range: Range<UInt64>) throws(TesseraError) {
        let size = CacheEntryHeader.blockBytes
        let blocks = Int(range.lowerBound / size)...Int((range.upperBound - 1) / size)
        let unchecked = checked.withLock { checked in blocks.filter { !checked[$0] } }
        for block in unchecked {
            let start = UInt64(block) * size
            guard entry.read(start..<min(start + size, self.size)) != nil else {
                drop()
                throw TesseraError(
                    .corrupted,
                    "the cached copy of \(name) is damaged and was removed; open the object anew")
            }
            checked.withLock { $0[block] = true }
        }
    }
}
