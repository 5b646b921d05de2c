// Threads for file system calls: a pool of explicit width, apart from Swift's cooperative pool.
internal import NIOPosix
internal import TesseraBase

/// Runs blocking calls on threads of their own, so that a slow disk never stalls a search.
struct BlockingIO: Sendable {
    /// Number of threads: a disk gains from this many, and more would only wait in the kernel.
    static let width = 16

    /// The pool of the process. It lives as long as the process does.
    static let shared = BlockingIO()

    private let pool: NIOThreadPool

    private init() {
        pool = NIOThreadPool(numberOfThreads: Self.width)
        pool.start()
    }

    /// Runs `work` on the pool. A task cancelled before its turn throws `cancelled` without running
    /// it.
    func run<Value: Sendable>(
        _ work: @escaping @Sendable () throws(TesseraError) -> Value
    ) async throws(TesseraError) -> Value {
        let result: Result<Value, TesseraError>
        do {
            result = try await pool.runIfActive { Result(catching: work) }
        } catch is CancellationError {
            throw TesseraError(.cancelled, "the work was cancelled before its file was touched")
        } catch {
            throw TesseraError(.unavailable, "the file threads have stopped", cause: error)
        }
        return try result.get()
    }
}
