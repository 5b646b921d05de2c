// Buffer for blocking reads that is reused between reads.
import ObjectStore
import SearchTypes
import TesseraBase

/// Bytes read into reused memory.
struct SearchBytes {
    private(set) var bytes: [UInt8] = []

    /// Reads `range` of the shard's object into the front of ``bytes``.
    mutating func read(
        _ range: Range<UInt64>, from shard: ResidentShard, _ receipt: inout Receipt
    ) throws(TesseraError) {
        guard let reader = shard.reader else {
            preconditionFailure("a shard with parts outside memory has a reader")
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
