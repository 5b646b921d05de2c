// The hash of external ids. It is part of the id table's format: its values must never change.

/// XXH64 by Yann Collet (https://github.com/Cyan4973/xxHash, doc/xxhash_spec.md, version 0.1.1).
///
/// Swift's `Hasher` is seeded anew in each process and may not be stored. XXH64 is not made against
/// an adversary: its users have to compare the ids themselves when two hashes are equal.
package enum StableHash {
    private static let prime1: UInt64 = 0x9E37_79B1_85EB_CA87
    private static let prime2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
    private static let prime3: UInt64 = 0x1656_67B1_9E37_79F9
    private static let prime4: UInt64 = 0x85EB_CA77_C2B2_AE63
    private static let prime5: UInt64 = 0x27D4_EB2F_1656_67C5

    /// The hash of an id's UTF-8 bytes.
    package static func hash(_ bytes: [UInt8], seed: UInt64 = 0) -> UInt64 {
        hash(bytes.span.bytes, seed: seed)
    }

    /// The hash of an id's UTF-8 bytes. O(byteCount).
    package static func hash(_ bytes: RawSpan, seed: UInt64 = 0) -> UInt64 {
        var offset = 0
        var state: UInt64
        if bytes.byteCount >= 32 {
            state = stripes(bytes, seed: seed, offset: &offset)
        } else {
            state = seed &+ prime5
        }
        state &+= UInt64(bytes.byteCount)
        while offset + 8 <= bytes.byteCount {
            state ^= round(0, load(bytes, offset, UInt64.self))
            state = rotate(state, 27) &* prime1 &+ prime4
            offset += 8
        }
        if offset + 4 <= bytes.byteCount {
            state ^= UInt64(load(bytes, offset, UInt32.self)) &* prime1
            state = rotate(state, 23) &* prime2 &+ prime3
            offset += 4
        }
        while offset < bytes.byteCount {
            state ^= UInt64(load(bytes, offset, UInt8.self)) &* prime5
            state = rotate(state, 11) &* prime1
            offset += 1
        }
        return avalanche(state)
    }

    /// Consumes the whole stripes of 32 bytes in four lanes and folds the lanes into one.
    private static func stripes(_ bytes: RawSpan, seed: UInt64, offset: inout Int) -> UInt64 {
        var lanes = (seed &+ prime1 &+ prime2, seed &+ prime2, seed, seed &- prime1)
        while offset + 32 <= bytes.byteCount {
            lanes.0 = round(lanes.0, load(bytes, offset, UInt64.self))
            lanes.1 = round(lanes.1, load(bytes, offset + 8, UInt64.self))
            lanes.2 = round(lanes.2, load(bytes, offset + 16, UInt64.self))
            lanes.3 = round(lanes.3, load(bytes, offset + 24, UInt64.self))
            offset += 32
        }
        var state =
            rotate(lanes.0, 1) &+ rotate(lanes.1, 7) &+ rotate(lanes.2, 12) &+ rotate(lanes.3, 18)
        for lane in [lanes.0, lanes.1, lanes.2, lanes.3] {
            state = (state ^ round(0, lane)) &* prime1 &+ prime4
        }
        return state
    }

    private static func avalanche(_ state: UInt64) -> UInt64 {
        var mixed = (state ^ (state >> 33)) &* prime2
        mixed = (mixed ^ (mixed >> 29)) &* prime3
        return mixed ^ (mixed >> 32)
    }

    @inline(__always)
    private static func round(_ lane: UInt64, _ input: UInt64) -> UInt64 {
        rotate(lane &+ input &* prime2, 31) &* prime1
    }

    @inline(__always)
    private static func rotate(_ value: UInt64, _ count: UInt64) -> UInt64 {
        value &<< count | value &>> (64 &- count)
    }

    @inline(__always)
    private static func load<Value: FixedWidthInteger & BitwiseCopyable>(
        _ bytes: RawSpan, _ offset: Int, _: Value.Type
    ) -> Value {
        Value(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: Value.self))
    }
}
