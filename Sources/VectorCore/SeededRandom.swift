// The package's only source of randomness: same seed, same numbers, on every machine.

/// SplitMix64 (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014,
/// figure 17).
package struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) {
        state = seed
    }

    /// A generator for one part of a larger job, independent of the order in which parts run.
    package init(seed: UInt64, stream: UInt64) {
        state = SeededRandom.derive(seed, stream: stream)
    }

    /// A seed for one part of a larger job.
    package static func derive(_ seed: UInt64, stream: UInt64) -> UInt64 {
        mix(seed &+ 0x9E37_79B9_7F4A_7C15 &* (stream &+ 1))
    }

    /// The next 64 random bits.
    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return SeededRandom.mix(state)
    }

    /// `count` distinct numbers below `upperBound`, ascending (Floyd's algorithm; O(count log
    /// count)).
    ///
    /// - Precondition: `count <= upperBound`.
    package mutating func sample(_ count: Int, below upperBound: Int) -> [Int] {
        precondition(count <= upperBound, "cannot draw more distinct numbers than there are")
        guard count < upperBound else { return Array(0..<upperBound) }
        var chosen = Set<Int>(minimumCapacity: count)
        for candidate in (upperBound - count)..<upperBound {
            let drawn = Int.random(in: 0...candidate, using: &self)
            chosen.insert(chosen.contains(drawn) ? candidate : drawn)
        }
        return chosen.sorted()
    }

    private static func mix(_ value: UInt64) -> UInt64 {
        var mixed = value
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
