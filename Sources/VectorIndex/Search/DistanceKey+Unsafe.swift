// Distances as integer keys.

/// A distance and a number in one integer that sorts by distance, then by number.
package enum DistanceKey {
    @inline(__always) package static func make(_ distance: Float, _ number: Int)
        -> UInt64
    {
        let bits = distance.bitPattern
        // Negative floats sort backwards by their bits.
        let ordered = bits ^ (UInt32(bitPattern: Int32(bitPattern: bits) >> 31) | 0x8000_0000)
        return UInt64(ordered) << 32 | UInt64(UInt32(truncatingIfNeeded: number))
    }

    @inline(__always) package static func distance(_ key: UInt64) -> Float {
        let ordered = UInt32(truncatingIfNeeded: key >> 32)
        let mask = ~UInt32(bitPattern: Int32(bitPattern: ordered) >> 31) | 0x8000_0000
        return Float(bitPattern: ordered ^ mask)
    }

    @inline(__always) package static func number(_ key: UInt64) -> Int {
        Int(UInt32(truncatingIfNeeded: key))
    }

    /// Sorts keys upwards, in place.
    static func sort(_ keys: UnsafeMutablePointer<UInt64>, _ count: Int) {
        var keys = UnsafeMutableBufferPointer(start: keys, count: count)
        keys.sort()
    }
}
