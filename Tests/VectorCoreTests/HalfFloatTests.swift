// Tests of HalfFloat.
import Testing
import VectorCore

struct HalfFloatTests {
    @Test func `every one of the 65,536 halves decodes to its value, and comes back`() {
        for bits in UInt16.min...UInt16.max {
            let expected = Float(Float16(bitPattern: bits))
            let decoded = HalfFloat.decode(bits)
            if expected.isNaN {
                #expect(decoded.isNaN)
                let back = HalfFloat.encode(decoded)
                #expect(back & 0x7C00 == 0x7C00 && back & 0x3FF != 0)
            } else if decoded.bitPattern != expected.bitPattern || HalfFloat.encode(decoded) != bits
            {
                Issue.record("half \(bits) became \(decoded), then \(HalfFloat.encode(decoded))")
            }
        }
    }

    @Test func `values between two halves go to the nearest, and ties to the even one`() {
        for bits in UInt16(0)..<0x7C00 {
            let low = HalfFloat.decode(bits)
            // What follows the largest half is infinity, which rounding takes for 65536.
            let high = bits + 1 == 0x7C00 ? 65_536 : HalfFloat.decode(bits + 1)
            let middle = (low + high) / 2
            let even = bits.isMultiple(of: 2) ? bits : bits + 1
            let answers = [middle.nextDown, middle, middle.nextUp].map(HalfFloat.encode)
            if answers != [bits, even, bits + 1] {
                Issue.record("around \(middle) got \(answers)")
            }
            if HalfFloat.encode(-middle) != even | 0x8000 {
                Issue.record("-\(middle) lost its sign")
            }
        }
    }

    @Test func `random bit patterns encode as the machine's Float16 does`() {
        var random = SeededRandom(seed: 7)
        for _ in 0..<1_000_000 {
            let value = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
            if !value.isNaN && HalfFloat.encode(value) != Float16(value).bitPattern {
                Issue.record("\(value) encodes to \(HalfFloat.encode(value))")
            }
        }
    }
}
