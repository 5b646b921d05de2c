// Access frequency of shards. A pure value that takes the time as an argument.
//
// Uses are counted with forward decay (Cormode et al., "Forward Decay", ICDE 2009): a use at time t
// weighs 2^((t - landmark) / half-life). Weights therefore change only by uses, and order shards by
// their decayed counts.
import Foundation
package import ObjectStore

/// Counts uses of shards with exponential decay: a use one half-life ago counts half.
package struct ShardHeat: Sendable, Equatable {
    /// Largest exponent of a weight; beyond it all weights are rescaled to a later landmark.
    private static let largestExponent = 512.0

    /// Most shards counted; the coldest are forgotten.
    package let limit: Int
    private let halfLife: Duration
    private var landmark = Duration.zero
    private var weights: [ContentDigest: Double] = [:]

    /// - Precondition: `limit >= 1` and a positive half-life.
    package init(limit: Int = 1 << 16, halfLife: Duration = .seconds(600)) {
        precondition(limit >= 1 && halfLife > .zero, "limit and half-life must be positive")
        self.limit = limit
        self.halfLife = halfLife
    }

    /// Number of shards counted.
    package var count: Int { weights.count }

    /// Counts one or `uses` uses of a shard.
    package mutating func touch(_ shard: ContentDigest, uses: Double = 1, at now: Duration) {
        moveLandmark(now)
        weights[shard, default: 0] += uses * weightOfUse(at: now)
        if weights.count > limit { forget() }
    }

    /// Decayed number of uses of a shard.
    package func uses(of shard: ContentDigest, at now: Duration) -> Double {
        weight(of: shard) / weightOfUse(at: now)
    }

    /// Sum of the weights of a shard's uses; comparable between shards at any time.
    func weight(of shard: ContentDigest) -> Double { weights[shard] ?? 0 }

    /// Weight of a use at `now`.
    func weightOfUse(at now: Duration) -> Double { exp2((now - landmark) / halfLife) }

    /// The shards by decayed uses, most used first; ties by digest.
    package func ranked(at now: Duration) -> [(shard: ContentDigest, uses: Double)] {
        let unit = weightOfUse(at: now)
        return weights.map { (shard: $0.key, uses: $0.value / unit) }.sorted {
            ($1.uses, $0.shard) < ($0.uses, $1.shard)
        }
    }

    private mutating func moveLandmark(_ now: Duration) {
        guard (now - landmark) / halfLife > Self.largestExponent else { return }
        let scale = 1 / weightOfUse(at: now)
        weights = weights.compactMapValues { $0 * scale > 0 ? $0 * scale : nil }
        landmark = now
    }

    /// Forgets the coldest quarter.
    private mutating func forget() {
        let kept = weights.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(
            max(1, limit / 4 * 3))
        weights = Dictionary(uniqueKeysWithValues: kept.map { ($0.key, $0.value) })
    }
}
