// Reading JSON (RFC 8259) straight from the bytes of a body, without a tree of values.
//
// Invariants: never reads outside the bytes, never recurses, allocates no more than the body's
// size. Errors name the byte that was refused.

/// A position in a body. The bytes are passed to each call, so that the cursor stays a plain value.
package struct JSONCursor {
    package private(set) var position = 0

    package init() {}

    func failure(_ message: String, field: String? = nil) -> APIError {
        APIError(
            .invalidArgument, "the body is not the JSON expected at byte \(position): \(message)",
            field: field, offset: position)
    }

    /// Skips white space and returns the next byte without reading it; nil at the end.
    mutating func peek(_ bytes: borrowing Span<UInt8>) -> UInt8? {
        while position < bytes.count {
            let byte = bytes[position]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return byte }
            position += 1
        }
        return nil
    }

    /// Reads `byte` if it comes next.
    mutating func take(_ byte: UInt8, _ bytes: borrowing Span<UInt8>) -> Bool {
        guard peek(bytes) == byte else { return false }
        position += 1
        return true
    }

    mutating func expect(
        _ byte: UInt8, _ bytes: borrowing Span<UInt8>, _ what: String
    ) throws(APIError) {
        guard take(byte, bytes) else {
            throw failure("expected '\(Character(UnicodeScalar(byte)))' \(what)")
        }
    }

    /// Throws if anything but white space is left.
    mutating func expectEnd(_ bytes: borrowing Span<UInt8>) throws(APIError) {
        guard peek(bytes) == nil else { throw failure("something follows the object") }
    }

    /// Skips `count` bytes that the caller has looked at.
    mutating func advance(by count: Int) {
        position += count
    }

    /// Reads true or false.
    mutating func boolean(
        _ bytes: borrowing Span<UInt8>, field: String
    ) throws(APIError) -> Bool {
        switch peek(bytes) {
        case UInt8(ascii: "t") where takeWord("true", bytes): return true
        case UInt8(ascii: "f") where takeWord("false", bytes): return false
        default: throw failure("\(field) must be true or false", field: field)
        }
    }

    private mutating func takeWord(_ word: StaticString, _ bytes: borrowing Span<UInt8>) -> Bool {
        guard position + word.utf8CodeUnitCount <= bytes.count else { return false }
        let matches = "\(word)".utf8.enumerated().allSatisfy { bytes[position + $0] == $1 }
        if matches { position += word.utf8CodeUnitCount }
        return matches
    }

    /// Reads the name of a field. Errors in it name no field, since none is known yet.
    mutating func name(_ bytes: borrowing Span<UInt8>) throws(APIError) -> String {
        do throws(APIError) {
            return try string(bytes, limit: 100, field: "a field name")
        } catch {
            var unnamed = error
            unnamed.field = nil
            throw unnamed
        }
    }

    /// Reads a string of at most `limit` UTF-8 bytes.
    mutating func string(
        _ bytes: borrowing Span<UInt8>, limit: Int, field: String
    ) throws(APIError) -> String {
        guard take(UInt8(ascii: "\""), bytes) else {
            throw failure("\(field) must be a string", field: field)
        }
        let start = position
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                let text = try decoded(bytes, from: start, field: field)
                position += 1
                return text
            }
            if byte == UInt8(ascii: "\\") {
                return try escapedString(bytes, from: start, limit: limit, field: field)
            }
            guard byte >= 0x20 else {
                throw failure("a control character in \(field)", field: field)
            }
            guard position - start < limit else {
                throw failure("\(field) is longer than \(limit) bytes", field: field)
            }
            position += 1
        }
        throw failure("the string of \(field) has no end", field: field)
    }

    private func decoded(
        _ bytes: borrowing Span<UInt8>, from start: Int, field: String
    ) throws(APIError) -> String {
        var copy: [UInt8] = []
        copy.reserveCapacity(position - start)
        for index in start..<position { copy.append(bytes[index]) }
        return try text(copy, field: field)
    }

    private func text(_ bytes: [UInt8], field: String) throws(APIError) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw failure("\(field) is not UTF-8", field: field)
        }
        return text
    }

    /// Reads the rest of a string from its first escape on.
    private mutating func escapedString(
        _ bytes: borrowing Span<UInt8>, from start: Int, limit: Int, field: String
    ) throws(APIError) -> String {
        var units: [UInt8] = []
        for index in start..<position { units.append(bytes[index]) }
        while position < bytes.count {
            let byte = bytes[position]
            guard units.count <= limit else {
                throw failure("\(field) is longer than \(limit) bytes", field: field)
            }
            guard byte >= 0x20 else {
                throw failure("a control character in \(field)", field: field)
            }
            position += 1
            if byte == UInt8(ascii: "\"") { return try text(units, field: field) }
            if byte == UInt8(ascii: "\\") {
                units += try escape(bytes, field: field).utf8
            } else {
                units.append(byte)
            }
        }
        throw failure("the string of \(field) has no end", field: field)
    }

    /// Reads what follows a backslash.
    private mutating func escape(
        _ bytes: borrowing Span<UInt8>, field: String
    ) throws(APIError) -> String {
        guard position < bytes.count else { throw failure("an escape has no end", field: field) }
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"):
            return String(UnicodeScalar(byte))
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            let high = try codeUnit(bytes, field: field)
            if let scalar = UnicodeScalar(high) { return String(scalar) }
            guard high < 0xDC00, position + 1 < bytes.count,
                bytes[position] == UInt8(ascii: "\\"), bytes[position + 1] == UInt8(ascii: "u")
            else { throw failure("half a surrogate pair in \(field)", field: field) }
            position += 2
            let low = try codeUnit(bytes, field: field)
            guard (0xDC00...0xDFFF).contains(low),
                let scalar = UnicodeScalar(
                    0x10000 + (UInt32(high) - 0xD800) << 10 + (UInt32(low) - 0xDC00))
            else { throw failure("half a surrogate pair in \(field)", field: field) }
            return String(scalar)
        default:
            throw failure("an unknown escape in \(field)", field: field)
        }
    }

    private mutating func codeUnit(
        _ bytes: borrowing Span<UInt8>, field: String
    ) throws(APIError) -> UInt16 {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard position < bytes.count,
                let digit = Character(UnicodeScalar(bytes[position])).hexDigitValue
            else { throw failure("four hexadecimal digits must follow \\u", field: field) }
            unit = unit << 4 | UInt16(digit)
            position += 1
        }
        return unit
    }
}
