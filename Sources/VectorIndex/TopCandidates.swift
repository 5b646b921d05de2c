// Keeps the nearest candidates of a scan, and tells the scan how near is near enough.

/// A scanned vector: its distance, and where it is.
package struct Candidate: Sendable, Equatable, Comparable {
    package let distance: Float
    /// Shard ordinal and row, as a ``VectorCore/NumericID`` packs them: ties go to the lower one.
    package let id: UInt64

    package init(distance: Float, id: UInt64) {
        self.distance = distance
        self.id = id
    }

    package static func < (left: Candidate, right: Candidate) -> Bool {
        left.distance != right.distance ? left.distance < right.distance : left.id < right.id
    }
}

/// The `capacity` smallest candidates of any number offered, ties to the lower id.
///
/// A buffer of twice the capacity is cut back whenever it is full; the cut's last distance is the threshold beyond
/// which nothing more need be offered. Amortised O(log capacity) an offer, and the outcome does not depend on the
/// order of the offers.
package struct TopCandidates: Sendable {
    private let capacity: Int
    private var buffer: [Candidate] = []
    /// Candidates farther than this cannot be among the smallest any more; those at it still can.
    package private(set) var threshold = Float.infinity

    /// - Precondition: `capacity > 0`.
    package init(capacity: Int) {
        precondition(capacity > 0, "there must be room for one candidate")
        self.capacity = capacity
        buffer.reserveCapacity(2 * capacity)
    }

    package mutating func offer(_ candidate: Candidate) {
        guard candidate.distance <= threshold else { return }
        buffer.append(candidate)
        if buffer.count == 2 * capacity { cut() }
    }

    /// The smallest, nearest first.
    package mutating func sorted() -> [Candidate] {
        cut()
        return buffer
    }

    private mutating func cut() {
        buffer.sort()
        guard buffer.count >= capacity else { return }
        buffer.removeLast(buffer.count - capacity)
        threshold = buffer[capacity - 1].distance
    }
}
