// Durations of the last minute, in histograms of ten seconds each; the oldest is overwritten.
import Histogram

/// Summary of a distribution, in milliseconds.
package struct DistributionSummary: Sendable, Equatable, Encodable {
    package var count = 0
    package var min = 0.0
    package var mean = 0.0
    package var p50 = 0.0
    package var p95 = 0.0
    package var p99 = 0.0
    package var max = 0.0
}

/// Durations of a rolling window, kept to two significant digits.
struct RollingDistribution: Sendable {
    static let slotCount = 6
    static let slotSeconds = 10

    private typealias Slot = Histogram<UInt32>

    /// One hour, in nanoseconds; longer durations count as one hour.
    private static let longest: UInt64 = 3_600_000_000_000

    private var slots: [Slot]
    /// The epoch that each slot holds; -1 for an empty one.
    private var epochs: [Int]

    init() {
        let empty = Slot(
            lowestDiscernibleValue: 64, highestTrackableValue: Self.longest,
            numberOfSignificantValueDigits: .two)
        slots = [Slot](repeating: empty, count: Self.slotCount)
        epochs = [Int](repeating: -1, count: Self.slotCount)
    }

    /// - Parameter epoch: the number of the current ten seconds since the start.
    mutating func record(_ nanoseconds: Int64, epoch: Int) {
        let index = epoch % Self.slotCount
        if epochs[index] != epoch {
            slots[index].reset()
            epochs[index] = epoch
        }
        slots[index].record(Swift.min(Self.longest, UInt64(Swift.max(0, nanoseconds))))
    }

    func summary(epoch: Int) -> DistributionSummary {
        var all = Slot(
            lowestDiscernibleValue: 64, highestTrackableValue: Self.longest,
            numberOfSignificantValueDigits: .two)
        for (slot, age) in zip(slots, epochs)
        where age >= 0 && age > epoch - Self.slotCount {
            all.add(slot)
        }
        guard all.totalCount > 0 else { return DistributionSummary() }
        func milliseconds(_ nanoseconds: Double) -> Double {
            (nanoseconds / 1e3).rounded() / 1e3
        }
        func percentile(_ share: Double) -> Double {
            milliseconds(Double(all.valueAtPercentile(share)))
        }
        return DistributionSummary(
            count: Int(all.totalCount), min: milliseconds(Double(all.min)),
            mean: milliseconds(all.mean), p50: percentile(50), p95: percentile(95),
            p99: percentile(99), max: milliseconds(Double(all.max)))
    }
}
