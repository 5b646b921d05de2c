// Which candidates of a part of a query are needed when they are cut later, at a depth that is not known yet. Pure.

/// The candidates that are among the `k` nearest of those left by some cut of the estimates: fewer than `k` others are
/// both nearer and estimated no farther. The field calls them a k-skyband.
///
/// Candidates are met nearest first.
package struct Skyband: Sendable {
    private let k: Int
    /// The `k` smallest estimates of those it has; a heap with the largest on top once there are so many.
    private var least: [Float] = []

    /// - Precondition: `k > 0`.
    package init(k: Int) {
        precondition(k > 0, "something must be wanted")
        self.k = k
    }

    /// Whether the next candidate, no nearer than all before it, is one of them.
    package mutating func takes(_ estimate: Float) -> Bool {
        guard least.count == k else {
            least.append(estimate)
            if least.count == k {
                for place in (0..<k / 2).reversed() { sink(place) }
            }
            return true
        }
        guard estimate < least[0] else { return false }
        least[0] = estimate
        sink(0)
        return true
    }

    /// Moves an entry down until none below it is larger.
    private mutating func sink(_ start: Int) {
        var place = start
        while 2 * place + 1 < k {
            var below = 2 * place + 1
            if below + 1 < k, least[below + 1] > least[below] { below += 1 }
            guard least[below] > least[place] else { return }
            least.swapAt(place, below)
            place = below
        }
    }
}
