// A flag that tells connections and the readiness route that the server is shutting down.
import Synchronization

/// A flag that is set once.
final class Closing: Sendable {
    private let flag = Atomic(false)

    var hasBegun: Bool { flag.load(ordering: .relaxed) }

    func begin() {
        flag.store(true, ordering: .relaxed)
    }
}
