// Keeps the nearest candidates of a scan, and the distance threshold for further ones.

/// A scanned vector: its distance and its position.
package struct Candidate: Sendable, Equatable, Comparable {
    package let distance: Float
    /// Shard ordinal and row, packed as in ``VectorCore/NumericID``. Ties go to the lower one.
    package let id: UInt64

    package init(distance: Float, id: UInt64) {
        self.distance = distance
        self.id = id
    }

    package static func < (left: Candidate, right: Candidate) -> Bool {
        left.distance != right.distance ? left.distance < right.distance : left.id < right.id
    }
}

/// The `capacity` nearest of any number of candidates offered; ties go to the lower id.
///
/// A buffer of twice the capacity is cut back whenever it is full. The last distance kept is then
/// the threshold above which candidates need not be offered. Amortised O(log capacity) per offer,
/// and the result does not depend on the order of the offers.
package struct TopCandidates: Sendable {
    private let capacity: Int
    private var buffer: [Candidate] = []
    /// Candidates farther than this cannot be among the nearest any more; those at exactly this
    /// distance can.
    package private(set) var threshold = Float.infinity

    /// - Precondition: `capacity > 0`.
    package init(capacity: Int) {
        precondition(capacity > 0, "capacity must be positive")
        self.capacity = capacity
        buffer.reserveCapacity(2 * capacity)
    }

    /// Keeps the candidate if it is among the nearest so far.
    package mutating func offer(_ candidate: Candidate) {
        guard candidate.distance <= threshold else { return }
        buffer.append(candidate)
        if buffer.count == 2 * capacity { cut() }
    }

    /// The nearest candidates, in ascending order.
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
