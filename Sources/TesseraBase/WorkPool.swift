// Threads for long computations and blocking calls, apart from Swift's cooperative pool.
private import NIOPosix

/// A fixed number of threads for computing and blocking I/O.
package final class WorkPool: Sendable {
    package let width: Int
    private let pool: NIOThreadPool

    /// - Precondition: `width >= 1`.
    package init(width: Int) {
        precondition(width >= 1, "a pool has at least one thread")
        self.width = width
        pool = NIOThreadPool(numberOfThreads: width)
        pool.start()
    }

    /// Starts `threads` threads, or one for each usable core.
    ///
    /// - Throws: `invalidArgument` for a number outside 1...1024.
    package convenience init(threads: Int?) throws(TesseraError) {
        let width = threads ?? UsableCores.count
        guard (1...1024).contains(width) else {
            throw TesseraError(
                .invalidArgument, "--threads \(width) is out of range; give 1 to 1024")
        }
        self.init(width: width)
    }

    deinit {
        pool.shutdownGracefully { _ in }
    }

    /// Runs `body` on one of the threads. Throws what it throws, and `cancelled` when the task was
    /// cancelled before it could start.
    package func run<Output: Sendable>(
        _ body: @escaping @Sendable () throws(TesseraError) -> Output
    ) async throws(TesseraError) -> Output {
        let outcome: Result<Output, TesseraError>
        do {
            outcome = try await pool.runIfActive {
                do throws(TesseraError) { return .success(try body()) } catch {
                    return .failure(error)
                }
            }
        } catch {
            throw TesseraError(.cancelled, "the work was cancelled")
        }
        return try outcome.get()
    }

    /// Returns `body` of each item in the items' order, and runs as many at a time as the pool has
    /// threads. After the first failure no further item starts; it is thrown when the running ones
    /// have ended.
    package func map<Item: Sendable, Output: Sendable>(
        _ items: [Item], _ body: @escaping @Sendable (Item) async throws(TesseraError) -> Output
    ) async throws(TesseraError) -> [Output] {
        try await mapConcurrently(items, width: width, body)
    }
}
