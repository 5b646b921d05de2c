// Numbers of a body. Vectors are nearly all of a request's bytes, so floats have a fast path.
//
// A float32 needs 24 bits. Up to 19 digits and a power of ten up to 22 give a double with an error
// below two units in its last place. Rounding that to float32 is exact unless the double lies next
// to the middle between two floats. Then, and for subnormal and unusual numbers, the standard
// library reads the digits.

/// The parts of a number as they were written.
private struct NumberText {
    var digits: UInt64 = 0
    var digitCount = 0
    /// Power of ten that ``digits`` are multiplied by.
    var exponent = 0
    var isNegative = false
    var isWhole = true
    var start = 0
}

extension JSONCursor {
    /// 10^0 to 10^22, which doubles hold exactly.
    private static let powers: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
        1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    ]

    /// Reads a number that is finite as float32.
    @inline(__always)
    mutating func float(
        _ bytes: borrowing Span<UInt8>, field: String
    ) throws(APIError) -> Float {
        let number = try scan(bytes, field: field)
        if number.digitCount <= 19, (-22...22).contains(number.exponent) {
            if number.digits == 0 { return number.isNegative ? -0.0 : 0 }
            let whole = Double(number.digits)
            let double =
                number.exponent < 0
                ? whole / Self.powers[-number.exponent] : whole * Self.powers[number.exponent]
            // The bits of a double that a float lacks; the middle of their range is the tie.
            let rest = double.bitPattern & 0x1FFF_FFFF
            let isClear = rest &- 0x0FFF_FFF8 > 16
            if isClear, double > 1.2e-38, double < 3.4e38 {
                return Float(number.isNegative ? -double : double)
            }
        }
        return try slowFloat(number, bytes, field: field)
    }

    @inline(never)
    private func slowFloat(
        _ number: NumberText, _ bytes: borrowing Span<UInt8>, field: String
    ) throws(APIError) -> Float {
        let text = text(of: number, bytes)
        guard let float = Float(text), float.isFinite else {
            throw failure("\(field) has \(text.prefix(40)), which is not a float32", field: field)
        }
        return float
    }

    /// Reads any finite number.
    mutating func double(
        _ bytes: borrowing Span<UInt8>, field: String
    ) throws(APIError) -> Double {
        let number = try scan(bytes, field: field)
        guard let double = Double(text(of: number, bytes)), double.isFinite else {
            throw failure("\(field) is too large", field: field)
        }
        return double
    }

    /// Reads a whole number that is not negative, written without fraction and exponent.
    mutating func integer(
        _ bytes: borrowing Span<UInt8>, field: String
    ) throws(APIError) -> Int {
        let number = try scan(bytes, field: field)
        guard number.isWhole, !number.isNegative, number.digitCount <= 18 else {
            throw failure("\(field) must be a whole number that is not negative", field: field)
        }
        return Int(number.digits)
    }

    private func text(of number: NumberText, _ bytes: borrowing Span<UInt8>) -> String {
        var characters: [UInt8] = []
        for index in number.start..<position { characters.append(bytes[index]) }
        return String(decoding: characters, as: UTF8.self)
    }

    /// Reads `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?`.
    @inline(__always)
    private mutating func scan(
        _ bytes: borrowing Span<UInt8>, field: String
    ) throws(APIError) -> NumberText {
        guard let first = peek(bytes) else { throw failure("\(field) has no end", field: field) }
        var number = NumberText()
        number.start = position
        if first == UInt8(ascii: "-") {
            number.isNegative = true
            advance(by: 1)
        }
        let whole = digits(bytes, &number)
        guard whole > 0 else { throw failure("\(field) must hold a number", field: field) }
        if whole > 1, bytes[position - whole] == UInt8(ascii: "0") {
            throw failure("a number in \(field) begins with 0", field: field)
        }
        guard position < bytes.count else { return number }
        if bytes[position] == UInt8(ascii: ".") {
            number.isWhole = false
            advance(by: 1)
            let fraction = digits(bytes, &number)
            guard fraction > 0 else {
                throw failure("digits must follow the point in \(field)", field: field)
            }
            number.exponent = -fraction
        }
        if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
            number.isWhole = false
            try exponent(bytes, &number, field: field)
        }
        return number
    }

    /// Reads digits and returns their number. Leading zeros do not count against the 19 that fit.
    @inline(__always)
    private mutating func digits(
        _ bytes: borrowing Span<UInt8>, _ number: inout NumberText
    ) -> Int {
        var index = position
        while index < bytes.count {
            let digit = bytes[index] &- UInt8(ascii: "0")
            guard digit <= 9 else { break }
            if number.digitCount > 0 || digit > 0 {
                number.digits = number.digits &* 10 &+ UInt64(digit)
                number.digitCount += 1
            }
            index += 1
        }
        let count = index - position
        advance(by: count)
        return count
    }

    private mutating func exponent(
        _ bytes: borrowing Span<UInt8>, _ number: inout NumberText, field: String
    ) throws(APIError) {
        advance(by: 1)
        var isNegative = false
        if position < bytes.count,
            bytes[position] == UInt8(ascii: "-") || bytes[position] == UInt8(ascii: "+")
        {
            isNegative = bytes[position] == UInt8(ascii: "-")
            advance(by: 1)
        }
        var written = NumberText()
        guard digits(bytes, &written) > 0 else {
            throw failure("digits must follow the exponent in \(field)", field: field)
        }
        // Such an exponent is beyond any float; the standard library decides between 0 and
        // overflow.
        let value = written.digitCount > 6 ? 1_000_000 : Int(written.digits)
        number.exponent += isNegative ? -value : value
    }
}
