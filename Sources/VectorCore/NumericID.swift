// Numeric ids: the place of a vector in 64 bits.

/// The place of a vector in a version: shard ordinal in the high 32 bits, row in the low 32.
package struct NumericID: Sendable, Hashable, Comparable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    package init(shard: Int, row: Int) {
        rawValue = UInt64(UInt32(shard)) << 32 | UInt64(UInt32(row))
    }

    package var shard: Int { Int(rawValue >> 32) }
    package var row: Int { Int(rawValue & 0xFFFF_FFFF) }

    package static func < (left: NumericID, right: NumericID) -> Bool {
        left.rawValue < right.rawValue
    }
}
