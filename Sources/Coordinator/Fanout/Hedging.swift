// When a second worker is asked because the first one is slow. Pure: no clock is read in here.

/// The most recent latencies of one worker.
package struct LatencyWindow: Sendable {
    /// Number of latencies kept.
    private static let capacity = 128
    /// Latencies added between two sorts: a sort for each would cost as much as a small search.
    private static let additionsASort = 16
    /// Fewest latencies that make a percentile.
    private static let least = 20

    private var latencies: [Duration] = []
    private var next = 0
    private var untilSorted = 0

    package init() {}

    /// Adds a latency; the oldest one is forgotten.
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

    /// Time within which 95 of 100 requests were answered; nil while there are too few.
    package private(set) var percentile95: Duration?
}

/// Bounds hedges to a share of the requests, so that a slow spell does not double the load.
package struct HedgeBudget: Sendable, Equatable {
    /// Hedges earned by each request.
    private static let share = 0.05
    /// Most hedges that can be saved up.
    private static let most = 10.0

    private var tokens = most

    package init() {}

    /// Counts a request, which earns a part of a hedge.
    package mutating func countRequest() {
        tokens = min(Self.most, tokens + Self.share)
    }

    /// Takes one hedge out of the budget; false if there is none.
    package mutating func take() -> Bool {
        guard tokens >= 1 else { return false }
        tokens -= 1
        return true
    }
}
