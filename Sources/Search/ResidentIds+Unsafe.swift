// External ids in memory.
import VectorCore

/// External ids of a shard's rows, one after another. Immutable.
final class ResidentIds: Sendable {
    private let text: AlignedArray<UInt8>
    /// Where each id starts; one more at the end.
    private let starts: AlignedArray<UInt32>

    /// - Parameters:
    ///   - text: the ids one after another.
    ///   - starts: where each starts in `text`, and the end.
    init(text: [UInt8], starts: [UInt32]) {
        precondition(
            starts.last.map(Int.init) == text.count && starts.first == 0, "ids fill the text")
        self.text = AlignedArray(text, or: 0)
        self.starts = AlignedArray(starts, or: 0)
    }

    /// The same ids in memory of their own.
    init(copying other: ResidentIds) {
        text = AlignedArray(copying: other.text)
        starts = AlignedArray(copying: other.starts)
    }

    /// Bytes of memory this takes.
    var bytes: Int { text.bytes + starts.bytes }

    /// Valid as long as this lives.
    var view: IdView { IdView(text: text.base, starts: starts.base) }
}

/// The pointers of ``ResidentIds``: what the hot path holds, without reference counts.
struct IdView: BitwiseCopyable, @unchecked Sendable {
    private let text: UnsafePointer<UInt8>
    private let starts: UnsafePointer<UInt32>

    init(text: UnsafePointer<UInt8>, starts: UnsafePointer<UInt32>) {
        self.text = text
        self.starts = starts
    }

    /// A row's id. Short ids of ASCII, as most are, are copied into the string without a look at each character.
    subscript(row: Int) -> String {
        let start = text + Int(starts[row])
        let count = Int(starts[row + 1]) - Int(starts[row])
        return String(unsafeUninitializedCapacity: count) { target in
            for index in 0..<count { target[index] = start[index] }
            return count
        }
    }

    /// Asks for what says where a row's id is.
    func prefetchPlace(row: Int) {
        SearchKernels.prefetch(starts + row, 1)
    }

    /// Asks for a row's id.
    func prefetch(row: Int) {
        SearchKernels.prefetch(text + Int(starts[row]), 1)
    }
}
