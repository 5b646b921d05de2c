// Writes little-endian bytes: the counterpart of ByteReader.

/// Appends little-endian values to a byte array.
package struct ByteWriter: Sendable {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package var count: Int { bytes.count }

    /// Appends bytes as they are.
    package mutating func append(_ raw: some Sequence<UInt8>) {
        bytes.append(contentsOf: raw)
    }

    /// Appends an integer, little-endian.
    package mutating func integer<Value: FixedWidthInteger>(_ value: Value) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// Appends an IEEE 754 single, little-endian.
    package mutating func float(_ value: Float) {
        integer(value.bitPattern)
    }

    /// Appends IEEE 754 singles, little-endian.
    package mutating func floats(_ values: [Float]) {
        bytes.reserveCapacity(bytes.count + values.count * 4)
        for value in values { float(value) }
    }

    /// Appends an unsigned LEB128 number.
    package mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// Appends zeros up to a multiple of `alignment`.
    package mutating func pad(to alignment: Int) {
        while !bytes.count.isMultiple(of: alignment) { bytes.append(0) }
    }
}
