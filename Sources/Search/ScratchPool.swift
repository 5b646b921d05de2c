// Scratch memory for searches that begin on any thread.
import Synchronization
import TesseraBase
import VectorIndex

/// Memory that a searching thread uses again and again.
package struct SearchScratch: ~Copyable {
    var arena = QueryArena()
    var buffer = SearchBytes()

    package init() {}
}

/// Keeps the scratch memory of searches that have ended for those to come; it grows to what a query
/// needs, once.
final class ScratchPool: Sendable {
    /// One search at a time holds it: it is taken out of the pool before it is used.
    private final class Box: @unchecked Sendable {
        var scratch = SearchScratch()
    }

    private let limit: Int
    private let free = Mutex<[Box]>([])

    /// - Parameter limit: boxes kept; more searches than that at once make their own.
    init(limit: Int) {
        self.limit = limit
    }

    /// Runs `body` with scratch memory that no other search uses meanwhile.
    func with<Value>(
        _ body: (inout SearchScratch) throws(TesseraError) -> Value
    ) throws(TesseraError) -> Value {
        let box = free.withLock { $0.popLast() } ?? Box()
        defer {
            free.withLock { free in
                if free.count < limit { free.append(box) }
            }
        }
        return try body(&box.scratch)
    }
}
