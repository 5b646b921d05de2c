// Vectors as base64 of little-endian float32: a third of the bytes of decimal digits, without
// rounding.

extension JSONCursor {
    /// Values of the base64 alphabet (RFC 4648, section 4); 255 for bytes outside of it.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 255, count: 256)
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        for (value, letter) in alphabet.utf8.enumerated() { values[Int(letter)] = UInt8(value) }
        return values
    }()

    /// Reads a string of base64 with padding as float32 values.
    ///
    /// - Parameter limit: the most values allowed.
    /// - Throws: `invalidArgument` for letters outside the alphabet, for a length that is not a
    ///   whole number of floats, and for values that are not finite.
    mutating func base64Floats(
        _ bytes: borrowing Span<UInt8>, limit: Int, field: String
    ) throws(APIError) -> [Float] {
        try expect(UInt8(ascii: "\""), bytes, "before the base64 of \(field)")
        let start = position
        var end = start
        while end < bytes.count, bytes[end] != UInt8(ascii: "\"") { end += 1 }
        guard end < bytes.count else {
            throw failure("the string of \(field) has no end", field: field)
        }
        var padding = 0
        while padding < 2, end - padding > start, bytes[end - padding - 1] == UInt8(ascii: "=") {
            padding += 1
        }
        let letters = end - start
        let size = letters / 4 * 3 - padding
        guard letters % 4 == 0, size % 4 == 0, size > 0 else {
            throw failure(
                "\(field) is not base64 with padding of a whole number of float32 values",
                field: field)
        }
        guard size / 4 <= limit else {
            throw APIError(
                .invalidArgument, "\(field) has \(size / 4) numbers; \(limit) are allowed",
                field: field, limit: limit)
        }
        let floats = try decode(bytes, from: start, end: end - padding, field: field)
        advance(by: end + 1 - start)
        return floats
    }

    /// Decodes letters: four of them are three bytes, and four such groups are three floats.
    private mutating func decode(
        _ bytes: borrowing Span<UInt8>, from start: Int, end: Int, field: String
    ) throws(APIError) -> [Float] {
        let values = Self.values.span
        var floats: [Float] = []
        floats.reserveCapacity((end - start) * 3 / 16 + 1)
        // Bits not in a float yet, the first byte lowest.
        var bits: UInt64 = 0
        var filled: UInt64 = 0
        var index = start
        while index < end {
            let count = min(4, end - index)
            var group: UInt32 = 0
            var letters: UInt8 = 0
            for offset in 0..<count {
                let value = values[Int(bytes[index + offset])]
                letters |= value
                group |= UInt32(value) << UInt32(18 - 6 * offset)
            }
            guard letters < 64 else {
                advance(by: index - start)
                throw failure("\(field) has a letter that base64 does not know", field: field)
            }
            // The first byte is the highest of the group.
            let ordered = UInt64(group.byteSwapped >> 8)
            bits |= ordered << filled
            filled += UInt64(8 * (count - 1))
            index += 4
            guard filled >= 32 else { continue }
            let float = Float(bitPattern: UInt32(truncatingIfNeeded: bits))
            guard float.isFinite else {
                throw failure("number \(floats.count) of \(field) is not finite", field: field)
            }
            floats.append(float)
            bits >>= 32
            filled -= 32
        }
        return floats
    }
}
