// Where the bytes of one piece of work came from, of all that went through a cache.
internal import Synchronization

/// Counts the reads of the tasks it is bound to, by where they were answered.
package final class ReadTrace: Sendable {
    @TaskLocal package static var current: ReadTrace?

    private let fromCache = Atomic(0)
    private let fromStore = Atomic(0)

    package init() {}

    /// Reads that a cache answered from its folder.
    package var cached: Int { fromCache.load(ordering: .relaxed) }
    /// Reads that a cache had to ask the store for.
    package var fetched: Int { fromStore.load(ordering: .relaxed) }

    static func count(fetched: Bool) {
        guard let current else { return }
        if fetched {
            current.fromStore.add(1, ordering: .relaxed)
        } else {
            current.fromCache.add(1, ordering: .relaxed)
        }
    }
}
