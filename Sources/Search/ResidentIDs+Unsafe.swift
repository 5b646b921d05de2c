// External ids of a shard in memory.
import VectorCore

/// External ids of a shard's rows, concatenated. Immutable.
final class ResidentIDs: Sendable {
    private let text: AlignedArray<UInt8>
    /// Start of each id in the text; one more entry at the end.
    private let starts: AlignedArray<UInt32>

    /// - Parameters:
    ///   - text: the ids, concatenated.
    ///   - starts: start of each id in `text`, and the end of the last.
    init(text: [UInt8], starts: [UInt32]) {
        precondition(
            starts.last.map(Int.init) == text.count && starts.first == 0, "ids fill the text")
        self.text = AlignedArray(text, or: 0)
        self.starts = AlignedArray(starts, or: 0)
    }

    /// A copy in separate memory.
    init(copying other: ResidentIDs) {
        text = AlignedArray(copying: other.text)
        starts = AlignedArray(copying: other.starts)
    }

    /// Bytes of memory this takes.
    var bytes: Int { text.bytes + starts.bytes }

    /// Valid as long as this object lives.
    var view: IDView { IDView(text: text.base, starts: starts.base) }
}

/// The pointers of ``ResidentIDs``, which the hot path uses to avoid reference counts.
struct IDView: BitwiseCopyable, @unchecked Sendable {
    private let text: UnsafePointer<UInt8>
    private let starts: UnsafePointer<UInt32>

    init(text: UnsafePointer<UInt8>, starts: UnsafePointer<UInt32>) {
        self.text = text
        self.starts = starts
    }

    /// A row's id. The bytes are copied without inspecting characters: most ids are short ASCII.
    subscript(row: Int) -> String {
        let start = text + Int(starts[row])
        let count = Int(starts[row + 1]) - Int(starts[row])
        return String(unsafeUninitializedCapacity: count) { target in
            for index in 0..<count { target[index] = start[index] }
            return count
        }
    }

    /// Prefetches the start of a row's id.
    func prefetchPlace(row: Int) {
        SearchKernels.prefetch(starts + row, 1)
    }

    /// Prefetches a row's id.
    func prefetch(row: Int) {
        SearchKernels.prefetch(text + Int(starts[row]), 1)
    }
}
