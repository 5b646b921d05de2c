// Reading into memory that is used again.
import ObjectStore
import SearchTypes
import TesseraBase

/// Bytes read, in memory that is used again.
struct SearchBytes {
    private(set) var bytes: [UInt8] = []

    /// Fills the front of ``bytes`` with `range` of the shard's object.
    mutating func read(
        _ range: Range<UInt64>, from shard: ResidentShard, _ receipt: inout Receipt
    ) throws(TesseraError) {
        guard let reader = shard.reader else {
            preconditionFailure("what is not in memory has a reader")
        }
        if bytes.count < range.count {
            bytes = [UInt8](repeating: 0, count: range.count)
        }
        receipt.reads += 1
        receipt.bytesRead += range.count
        try bytes.withUnsafeMutableBufferPointer { buffer throws(TesseraError) in
            let target = UnsafeMutableRawBufferPointer(buffer)
            try reader.read(
                at: range.lowerBound,
                into: UnsafeMutableRawBufferPointer(rebasing: target[..<range.count]))
        }
    }
}
