// A request to end a run early that still reports what was measured.
import Synchronization
package import TesseraBase

/// A flag that is set once and read between queries.
package final class StopSign: Sendable {
    private let flag = Atomic(false)

    package init() {}

    /// Sets the flag.
    package func stop() { flag.store(true, ordering: .relaxed) }

    package var isSet: Bool { flag.load(ordering: .relaxed) }

    /// Throws `cancelled` once the flag is set.
    package func check() throws(TesseraError) {
        if isSet { throw TesseraError(.cancelled, "the run was interrupted") }
    }
}
