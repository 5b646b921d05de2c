// Bytes that carry their own CRC-32C behind them: refine rows, id blocks, buckets.
import VectorCore
import VectorIndex

enum Checksummed {
    /// Bytes of the checksum.
    static let overhead = 4

    /// The bytes before the checksum; nil if it does not match or is missing.
    static func payload(of bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard bytes.count >= overhead else { return nil }
        let payload = bytes.dropLast(overhead)
        var stored: UInt32 = 0
        for (position, byte) in bytes.suffix(overhead).enumerated() {
            stored |= UInt32(byte) << UInt32(8 * position)
        }
        return stored == Kernels.crc32c(payload) ? payload : nil
    }
}

extension RefineEncoding {
    /// Bytes of a stored row with its checksum; 0 without a refine tier.
    func storedRowSize(dimension: Int) -> UInt64 {
        self == .none ? 0 : UInt64(rowSize(dimension: dimension) + Checksummed.overhead)
    }
}
