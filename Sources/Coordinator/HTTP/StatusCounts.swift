// Counts of answers by HTTP status, over all surfaces.
import Synchronization

/// Answers since the start, by status.
final class StatusCounts: Sendable {
    private let counts = Mutex<[Int: Int]>([:])

    var byStatus: [Int: Int] { counts.withLock { $0 } }

    func count(_ status: Int) {
        counts.withLock { $0[status, default: 0] += 1 }
    }
}
