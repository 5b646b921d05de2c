// When a second worker is asked because the first one is slow. Pure: no clock in here.

/// The latest latencies of one worker.
package struct LatencyWindow: Sendable {
    /// Latencies remembered.
    private static let capacity = 128
    /// Sorting them for each would cost as much as a small search.
    private static let additionsASort = 16
    /// Fewer than this say nothing.
    private static let least = 20

    private var latencies: [Duration] = []
    private var next = 0
    private var untilSorted = 0

    package init() {}

    package mutating func add(_ latency: Duration) {
        if latencies.count < Self.capacity {
            latencies.append(latency)
        } else {
            latencies[next] = latency
            next = (next + 1) % Self.capacity
        }
        guard latencies.count >= Self.least else { return }
        untilSorted -= 1
        guard untilSorted <= 0 else { return }
        untilSorted = latencies.count < Self.capacity ? 1 : Self.additionsASort
        percentile95 = latencies.sorted()[(latencies.count * 95 + 99) / 100 - 1]
    }

    /// What 95 of 100 requests were answered within; nil while too few were.
    package private(set) var percentile95: Duration?
}

/// How many second requests there may be: a share of the first ones, so that a slow time does not double the load.
package struct HedgeBudget: Sendable, Equatable {
    /// Second requests for each first one.
    private static let share = 0.05
    /// Saved up at most.
    private static let most = 10.0

    private var tokens = most

    package init() {}

    package mutating func countRequest() {
        tokens = min(Self.most, tokens + Self.share)
    }

    /// Takes one hedge out of the budget, if there is one.
    package mutating func take() -> Bool {
        guard tokens >= 1 else { return false }
        tokens -= 1
        return true
    }
}
