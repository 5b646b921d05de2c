// The depth at which a query's candidates are cut, so that its parts together keep as many as one
// process would refine. Pure.

/// The distances by code of the `depth` nearest candidates over all parts of a query: the
/// candidates that one process would refine. Each part has refined as many of its own, which are
/// more.
package struct CandidateCut: Sendable {
    private let depth: Int
    /// The smallest estimates so far, ascending; at most ``depth``.
    private var least: [Float] = []
    /// Whether every part has told its estimates.
    private var isWhole = true

    package init(depth: Int) {
        self.depth = depth
    }

    /// Takes in a part's estimates, ascending. Nil stands for a worker that tells none; then
    /// nothing is cut.
    package mutating func add(_ estimates: [Float]?) {
        guard let estimates else {
            isWhole = false
            return
        }
        guard !least.isEmpty else {
            least = Array(estimates.prefix(depth))
            return
        }
        var merged: [Float] = []
        merged.reserveCapacity(min(depth, least.count + estimates.count))
        var (old, new) = (0, 0)
        while merged.count < depth, old < least.count || new < estimates.count {
            if new == estimates.count || old < least.count && least[old] <= estimates[new] {
                merged.append(least[old])
                old += 1
            } else {
                merged.append(estimates[new])
                new += 1
            }
        }
        least = merged
    }

    /// The cut: one process would not have refined candidates estimated farther than this.
    package var limit: Float {
        isWhole && least.count == depth ? least.last ?? .infinity : .infinity
    }
}
