// How a person ends a run early and still gets what was measured.
import Synchronization
package import TesseraBase

/// Set once, looked at between queries.
package final class StopSign: Sendable {
    private let flag = Atomic(false)

    package init() {}

    package func stop() { flag.store(true, ordering: .relaxed) }

    package var isSet: Bool { flag.load(ordering: .relaxed) }

    /// Throws `cancelled` once it is set.
    package func check() throws(TesseraError) {
        if isSet { throw TesseraError(.cancelled, "the run was interrupted") }
    }
}
