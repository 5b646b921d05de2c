// Vectors as base64 of little-endian float32: a third of the bytes of decimal digits, and no rounding.

extension JSONCursor {
    /// Values of the base64 alphabet (RFC 4648, section 4); 255 for what is not in it.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 255, count: 256)
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        for (value, letter) in alphabet.utf8.enumerated() { values[Int(letter)] = UInt8(value) }
        return values
    }()

    /// Reads a string of base64 with padding as float32 values.
    ///
    /// - Parameter limit: values there may be.
    /// - Throws: `invalidArgument` for letters outside the alphabet, a length that is no number of floats, and values that are
    ///   not finite.
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
                "\(field) is no base64 with padding of a whole number of float32 values",
                field: field)
        }
        guard size / 4 <= limit else {
            throw APIError(
                .invalidArgument, "\(field) has \(size / 4) numbers; \(limit) are allowed",
                field: field, limit: limit)
        }
        var floats: [Float] = []
        floats.reserveCapacity(size / 4)
        var bits: UInt32 = 0
        var filled = 0
        var group: UInt32 = 0
        for index in start..<end - padding {
            let value = Self.values[Int(bytes[index])]
            guard value < 64 else {
                advance(by: index - start)
                throw failure("\(field) has a letter that base64 does not know", field: field)
            }
            group = group << 6 | UInt32(value)
            let place = (index - start) & 3
            guard place > 0 else { continue }
            let byte = place == 1 ? group >> 4 : place == 2 ? group >> 2 : group
            bits |= (byte & 0xFF) << (8 * UInt32(filled))
            filled += 1
            if place == 3 { group = 0 }
            guard filled == 4 else { continue }
            let float = Float(bitPattern: bits)
            guard float.isFinite else {
                throw failure(
                    "number \(floats.count) of \(field) is not finite", field: field)
            }
            floats.append(float)
            (bits, filled) = (0, 0)
        }
        advance(by: end + 1 - start)
        return floats
    }
}
