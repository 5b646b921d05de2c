// The candidates of a leaf request that can still be results after a later cut whose depth is not
// known yet. Pure.

/// A k-skyband: keeps each candidate that fewer than `k` others beat both in distance and in
/// estimate (no larger estimate). These are the candidates that can be among the `k` nearest after
/// some cut by estimate.
///
/// Candidates are offered in ascending order of distance.
package struct Skyband: Sendable {
    private let k: Int
    /// The `k` smallest estimates of the candidates kept; a max-heap once there are `k`.
    private var least: [Float] = []

    /// - Precondition: `k > 0`.
    package init(k: Int) {
        precondition(k > 0, "k must be positive")
        self.k = k
    }

    /// Whether to keep the next candidate, which is no nearer than all before it.
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

    /// Moves an entry down the heap until no child is larger.
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
