// Whether the server has been told to end; every connection and the readiness route look here.
import Synchronization

/// A flag that is set once.
final class Closing: Sendable {
    private let flag = Atomic(false)

    var hasBegun: Bool { flag.load(ordering: .relaxed) }

    func begin() {
        flag.store(true, ordering: .relaxed)
    }
}
