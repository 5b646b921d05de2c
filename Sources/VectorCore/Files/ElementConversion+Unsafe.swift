// Conversion between stored components and float32. The loops are plain, over raw buffers and
// without branches, so that the compiler vectorises them.
package import TesseraBase

/// Turns stored components into float32 and back.
package enum ElementConversion {
    /// Stored components as float32, exactly. Bytes beyond the last whole component are ignored.
    package static func decode(_ raw: [UInt8], as elementType: ElementType) -> [Float] {
        let count = raw.count / elementType.size
        return [Float](unsafeUninitializedCapacity: count) { target, filled in
            raw.withUnsafeBytes { source in decode(source, elementType, into: target, count) }
            filled = count
        }
    }

    private static func decode(
        _ source: UnsafeRawBufferPointer, _ elementType: ElementType,
        into target: UnsafeMutableBufferPointer<Float>, _ count: Int
    ) {
        switch elementType {
        case .f32:
            convert(source, into: target, count) { (bits: UInt32) in Float(bitPattern: bits) }
        case .f16: convert(source, into: target, count) { (bits: UInt16) in HalfFloat.decode(bits) }
        case .u8: convert(source, into: target, count) { (value: UInt8) in Float(value) }
        case .i8: convert(source, into: target, count) { (value: Int8) in Float(value) }
        case .i32: convert(source, into: target, count) { (value: Int32) in Float(value) }
        }
    }

    @inline(__always)
    private static func convert<Stored: FixedWidthInteger & BitwiseCopyable, Result>(
        _ source: UnsafeRawBufferPointer, into target: UnsafeMutableBufferPointer<Result>,
        _ count: Int, _ value: (Stored) -> Result
    ) {
        for index in 0..<count {
            let stored = source.loadUnaligned(
                fromByteOffset: index &* MemoryLayout<Stored>.size, as: Stored.self)
            target[index] = value(Stored(littleEndian: stored))
        }
    }

    /// Little-endian 32-bit integers.
    static func integers(_ raw: [UInt8]) -> [Int32] {
        let count = raw.count / 4
        return [Int32](unsafeUninitializedCapacity: count) { target, filled in
            raw.withUnsafeBytes { convert($0, into: target, count) { (value: Int32) in value } }
            filled = count
        }
    }

    /// Index of the first NaN or infinity; nil if all values are finite.
    package static func firstNonFinite(_ values: [Float]) -> Int? {
        // Looks for the all-ones exponent over all values, so that the usual case takes no branch.
        let found = values.withUnsafeBufferPointer { buffer in
            var count: UInt32 = 0
            for value in buffer {
                count |= (value.bitPattern & 0x7FFF_FFFF) >= 0x7F80_0000 ? 1 : 0
            }
            return count != 0
        }
        return found ? values.firstIndex { !$0.isFinite } : nil
    }

    /// Converts float32 to stored components. Half floats are rounded; integers must be
    /// representable.
    ///
    /// - Throws: `invalidArgument` with the index of the first value that `elementType` cannot
    ///   hold.
    package static func encode(
        _ values: [Float], as elementType: ElementType
    ) throws(TesseraError) -> [UInt8] {
        switch elementType {
        case .f32: return littleEndian(values.map(\.bitPattern))
        case .f16: return littleEndian(values.map(HalfFloat.encode))
        case .u8: return littleEndian(try integers(values, UInt8.self))
        case .i8: return littleEndian(try integers(values, Int8.self))
        case .i32: return littleEndian(try integers(values, Int32.self))
        }
    }

    private static func integers<Value: FixedWidthInteger>(
        _ values: [Float], _: Value.Type
    ) throws(TesseraError) -> [Value] {
        var integers: [Value] = []
        integers.reserveCapacity(values.count)
        for (index, value) in values.enumerated() {
            guard let exact = Value(exactly: value) else {
                throw TesseraError(
                    .invalidArgument,
                    "component \(index) is \(value), which \(Value.self) cannot hold: "
                        + "write it as float32")
            }
            integers.append(exact)
        }
        return integers
    }

    static func littleEndian(_ values: [some FixedWidthInteger]) -> [UInt8] {
        values.map(\.littleEndian).withUnsafeBytes { Array($0) }
    }
}
