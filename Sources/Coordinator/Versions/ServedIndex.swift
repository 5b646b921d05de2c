// One served index: the version that answers now, and the state of others.
package import Catalog
import SearchTypes
import Synchronization
package import TesseraBase

/// The state of a served index. A flip is atomic: a query gets the old version or the new one, and
/// keeps it.
package final class ServedIndex: Sendable {
    /// The state as operators see it.
    package struct Status: Sendable, Equatable {
        /// The version that answers; nil if none does.
        package var version: Int?
        /// Queries under way in it.
        package var inUse = 0
        /// Older versions with queries under way.
        package var retiring = 0
        /// Times that another version took over.
        package var flips = 0
        /// Why a newer version does not answer; nil if there is no problem.
        package var problem: String?
    }

    private struct State {
        var current: ServedVersion?
        var retiring = 0
        var flips = 0
        var problem: String?
    }

    package let catalog: Catalog
    package let name: String
    /// Rung to look for a new version at once.
    let bell: Bell
    private let state = Mutex(State())

    package init(_ name: IndexName, catalog: Catalog, clock: SteadyClock = .system) {
        self.name = name.text
        bell = Bell(clock: clock)
        self.catalog = catalog
    }

    /// Takes hold of the version that answers; nil if none does. The caller releases it.
    package func acquire() -> ServedVersion? {
        state.withLock { state in
            state.current?.retain()
            return state.current
        }
    }

    /// The manifest of the version that answers; nil if none does.
    package var manifest: Manifest? { state.withLock { $0.current?.manifest } }

    package var status: Status {
        state.withLock { state in
            Status(
                version: state.current?.number, inUse: state.current?.holders ?? 0,
                retiring: state.retiring, flips: state.flips, problem: state.problem)
        }
    }

    /// Sets the problem that ``status`` tells.
    func report(problem: String?) {
        state.withLock { $0.problem = problem }
    }

    /// Makes `version` the one that answers, and returns the one before it, to be retired.
    func flip(to version: ServedVersion?) -> ServedVersion? {
        state.withLock { state in
            let old = state.current
            state.current = version
            if old != nil { state.retiring += 1 }
            if old != nil, version != nil { state.flips += 1 }
            return old
        }
    }

    /// Waits until the queries of a replaced version have ended, and retires its backend.
    func retire(_ version: ServedVersion) async {
        version.release()
        await version.drained()
        await version.backend.retire()
        state.withLock { $0.retiring -= 1 }
    }
}
