// Reads bytes that may be damaged: every read is checked, and what does not fit is a typed error.
package import TesseraBase

/// A cursor over little-endian bytes.
package struct ByteReader: Sendable {
    private let bytes: ArraySlice<UInt8>
    private let what: String
    private var cursor: Int

    /// - Parameter what: name of the bytes for error messages: "shard footer".
    package init(_ bytes: ArraySlice<UInt8>, what: String) {
        self.bytes = bytes
        self.what = what
        cursor = bytes.startIndex
    }

    package init(_ bytes: [UInt8], what: String) {
        self.init(bytes[...], what: what)
    }

    package var remaining: Int { bytes.endIndex - cursor }

    /// The next `count` bytes. Throws `corrupted` where fewer are left.
    package mutating func take(_ count: Int) throws(TesseraError) -> ArraySlice<UInt8> {
        guard count >= 0, count <= remaining else {
            throw TesseraError(
                .corrupted, "\(what) ends early: \(count) more bytes expected, \(remaining) left")
        }
        defer { cursor += count }
        return bytes[cursor..<cursor + count]
    }

    /// The next integer, little-endian.
    package mutating func integer<Value: FixedWidthInteger>(_: Value.Type) throws(TesseraError)
        -> Value
    {
        var value: Value = 0
        for (position, byte) in try take(MemoryLayout<Value>.size).enumerated() {
            value |= Value(truncatingIfNeeded: UInt64(byte)) << Value(position * 8)
        }
        return value
    }

    /// The next IEEE 754 single, little-endian.
    package mutating func float() throws(TesseraError) -> Float {
        Float(bitPattern: try integer(UInt32.self))
    }

    /// The next `count` singles.
    package mutating func floats(_ count: Int) throws(TesseraError) -> [Float] {
        guard count >= 0, count <= remaining / 4 else {
            throw TesseraError(.corrupted, "\(what) ends early: \(count) floats expected")
        }
        let raw = try take(count * 4)
        return raw.withUnsafeBytes { source in
            (0..<count).map { index in
                Float(
                    bitPattern: UInt32(
                        littleEndian: source.loadUnaligned(
                            fromByteOffset: index * 4, as: UInt32.self)))
            }
        }
    }

    /// The next unsigned LEB128 number. Throws `corrupted` above 64 bits.
    package mutating func varint() throws(TesseraError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            let byte = try integer(UInt8.self)
            let bits = UInt64(byte & 0x7F)
            guard shift < 63 || bits <= 1 else { break }
            value |= bits << shift
            if byte & 0x80 == 0 { return value }
        }
        throw TesseraError(.corrupted, "\(what) holds a number of more than 64 bits")
    }

    /// Throws `corrupted` unless everything was read.
    package func finish() throws(TesseraError) {
        guard remaining == 0 else {
            throw TesseraError(.corrupted, "\(what) is \(remaining) bytes longer than it should be")
        }
    }
}
