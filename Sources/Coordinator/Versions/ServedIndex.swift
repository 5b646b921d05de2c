// One index under service: the version that answers now, and what is known of others.
package import Catalog
import SearchTypes
import Synchronization

/// The state of an index. Flips are atomic: a query gets the old version or the new one, and keeps it.
package final class ServedIndex: Sendable {
    /// What people are told.
    package struct Status: Sendable, Equatable {
        package var version: Int?
        package var inUse = 0
        package var retiring = 0
        package var flips = 0
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
    let bell = Bell()
    private let state = Mutex(State())

    package init(_ name: IndexName, catalog: Catalog) {
        self.name = name.text
        self.catalog = catalog
    }

    /// The version that answers, held for the caller; nil where none does.
    package func acquire() -> ServedVersion? {
        state.withLock { state in
            state.current?.retain()
            return state.current
        }
    }

    /// The manifest of the version that answers.
    package var manifest: Manifest? { state.withLock { $0.current?.manifest } }

    package var status: Status {
        state.withLock { state in
            Status(
                version: state.current?.number, inUse: state.current?.holders ?? 0,
                retiring: state.retiring, flips: state.flips, problem: state.problem)
        }
    }

    func report(problem: String?) {
        state.withLock { $0.problem = problem }
    }

    /// Puts `version` in the place of the one that answers, which is returned to be retired.
    func flip(to version: ServedVersion?) -> ServedVersion? {
        state.withLock { state in
            let old = state.current
            state.current = version
            if old != nil { state.retiring += 1 }
            if old != nil, version != nil { state.flips += 1 }
            return old
        }
    }

    /// Waits until the queries of a version that was replaced have ended, and lets its backend go.
    func retire(_ version: ServedVersion) async {
        version.release()
        await version.drained()
        await version.backend.retire()
        state.withLock { $0.retiring -= 1 }
    }
}
