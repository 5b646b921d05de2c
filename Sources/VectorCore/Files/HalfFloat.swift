// Half floats as bit patterns. Swift's Float16 exists on Linux, but without F16C each conversion is
// a call into compiler-rt; these are branch-free, so loops over them vectorise with plain SSE2 or
// NEON.

/// Conversions between IEEE 754 binary16 bit patterns and `Float`.
package enum HalfFloat {
    /// The largest finite half, 65504.
    package static let greatestFinite: Float = 65_504

    /// The value of a half: exact, for subnormals, infinities and NaN as well.
    ///
    /// The exponent is re-biased by one multiplication with 2^112, which also normalises subnormals
    /// (Giesen, "half_to_float_fast4", https://gist.github.com/rygorous/2144712).
    @inline(__always)
    package static func decode(_ half: UInt16) -> Float {
        let wide = UInt32(half)
        let scaled = Float(bitPattern: (wide & 0x7FFF) << 13) * Float(bitPattern: 0x7780_0000)
        // Infinity and NaN come out as 65536 and more: they get the exponent of all ones.
        let special: UInt32 = scaled >= 65_536 ? 0x7F80_0000 : 0
        return Float(bitPattern: scaled.bitPattern | special | (wide & 0x8000) << 16)
    }

    /// The nearest half, ties to even. Above 65519 it is infinity; NaN stays NaN.
    ///
    /// Subnormals are rounded by the adder itself: adding 0.5 puts their last bit at the last bit
    /// of the sum (Giesen, "float_to_half_fast3_rtne").
    @inline(__always)
    package static func encode(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        let magnitude = bits & 0x7FFF_FFFF
        let sign = UInt16(truncatingIfNeeded: bits >> 16) & 0x8000
        let subnormal = (Float(bitPattern: magnitude) + 0.5).bitPattern &- 0x3F00_0000
        let odd = (magnitude >> 13) & 1
        let normal = (magnitude &- 0x3800_0000 &+ 0xFFF &+ odd) >> 13
        let finite = magnitude < 0x3880_0000 ? subnormal : normal
        let special: UInt32 = magnitude > 0x7F80_0000 ? 0x7E00 : 0x7C00
        let chosen = magnitude >= 0x4780_0000 ? special : finite
        return UInt16(truncatingIfNeeded: chosen) | sign
    }
}
