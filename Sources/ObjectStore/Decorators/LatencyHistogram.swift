// Durations counted in a small fixed number of buckets.
import TesseraBase

/// Counts durations in buckets that grow by a fourth to a fifth each: four a doubling, from a
/// microsecond to over an hour.
package struct LatencyHistogram: Sendable, Equatable {
    private static let bucketsPerDoubling = 4
    private static let bucketCount = 32 * bucketsPerDoubling

    private var counts = [UInt64](repeating: 0, count: bucketCount)
    package private(set) var count: UInt64 = 0
    package private(set) var total = Duration.zero

    package init() {}

    /// Counts a duration.
    package mutating func record(_ duration: Duration) {
        counts[Self.bucket(of: duration)] += 1
        count += 1
        total += duration
    }

    /// The upper end of the bucket that holds this share of the durations; zero where there are
    /// none.
    ///
    /// - Parameter share: 0.5 is the median, 0.99 what one in a hundred exceeds.
    package func percentile(_ share: Double) -> Duration {
        guard count > 0 else { return .zero }
        let rank = max(1, UInt64((share * Double(count)).rounded(.up)))
        var sum: UInt64 = 0
        for (bucket, number) in counts.enumerated() {
            sum += number
            if sum >= rank { return Self.upperEnd(of: bucket) }
        }
        return Self.upperEnd(of: Self.bucketCount - 1)
    }

    /// What was recorded since `earlier`, a state of the same histogram.
    package static func - (later: LatencyHistogram, earlier: LatencyHistogram) -> LatencyHistogram {
        var difference = later
        for bucket in difference.counts.indices {
            difference.counts[bucket] -= earlier.counts[bucket]
        }
        difference.count -= earlier.count
        difference.total -= earlier.total
        return difference
    }

    /// Bucket b holds durations up to (4 + (b mod 4) + 1) / 4 * 2^(b / 4) microseconds.
    private static func bucket(of duration: Duration) -> Int {
        let microseconds = duration.seconds * 1e6
        guard microseconds > 1 else { return 0 }
        let doubling = Int(microseconds.exponent)
        let part = Int((microseconds.significand - 1) * Double(bucketsPerDoubling))
        return min(doubling * bucketsPerDoubling + part, bucketCount - 1)
    }

    private static func upperEnd(of bucket: Int) -> Duration {
        let (doubling, part) = bucket.quotientAndRemainder(dividingBy: bucketsPerDoubling)
        let steps = (bucketsPerDoubling + part + 1) * (1 << doubling)
        return .nanoseconds(steps * (1000 / bucketsPerDoubling))
    }
}
