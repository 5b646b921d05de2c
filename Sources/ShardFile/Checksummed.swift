// Bytes that carry their own CRC-32C behind them: refine rows, id blocks, buckets.
import VectorCore

enum Checksummed {
    /// Bytes of the checksum.
    static let overhead = 4

    /// The bytes before the checksum; nil where it does not match or there is none.
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
