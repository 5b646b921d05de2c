// Where long computations and blocking calls run: threads of our own, never the cooperative pool.
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

    deinit {
        pool.shutdownGracefully { _ in }
    }

    /// Runs `body` on one of the threads. Throws what it throws, and `cancelled` when the task was cancelled before
    /// it could start.
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

    /// `body` of each item, in the items' order, as many at a time as the pool is wide. The first failure stops what
    /// has not begun and is thrown once what has begun has ended.
    package func map<Item: Sendable, Output: Sendable>(
        _ items: [Item], _ body: @escaping @Sendable (Item) async throws(TesseraError) -> Output
    ) async throws(TesseraError) -> [Output] {
        var outputs = [Output?](repeating: nil, count: items.count)
        var failure: TesseraError?
        await withTaskGroup(of: (Int, Result<Output, TesseraError>).self) { group in
            var next = 0
            func startNext() {
                guard next < items.count, failure == nil else { return }
                let index = next
                let item = items[index]
                next += 1
                group.addTask {
                    do throws(TesseraError) { return (index, .success(try await body(item))) } catch
                    {
                        return (index, .failure(error))
                    }
                }
            }
            for _ in 0..<width { startNext() }
            for await (index, result) in group {
                switch result {
                case .success(let output): outputs[index] = output
                case .failure(let error): failure = failure ?? error
                }
                startNext()
            }
        }
        if let failure { throw failure }
        return outputs.compactMap { $0 }
    }
}
