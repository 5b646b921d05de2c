// Tasks that share an event loop, and how they give way to one another.
import Dispatch
import NIOCore
import NIOPosix
import Synchronization
import TesseraBase
import Testing

struct LoopExecutorTests {
    /// The order of events.
    private final class Course: Sendable {
        private let steps = Mutex<[String]>([])

        func add(_ step: String) { steps.withLock { $0.append(step) } }
        var all: [String] { steps.withLock { $0 } }
    }

    private func onLoop<Value: Sendable>(
        _ body: (any EventLoop, LoopExecutor) async throws -> Value
    ) async throws -> Value {
        let threads = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = threads.next()
        let value = try await body(loop, await LoopExecutor.shared(loop))
        try await threads.shutdownGracefully()
        return value
    }

    /// Runs all of `tasks`, which wait for the loop before the first of them begins.
    private func together(
        _ loop: any EventLoop, _ executor: LoopExecutor, _ tasks: [@Sendable () async -> Void]
    ) async {
        await withTaskGroup(of: Void.self) { group in
            let begin = DispatchSemaphore(value: 0)
            loop.execute { begin.wait() }
            for task in tasks { group.addTask(executorPreference: executor) { await task() } }
            begin.signal()
            await group.waitForAll()
        }
    }

    @Test func `a loop's connections share one executor`() async throws {
        try await onLoop { loop, executor in
            #expect(await LoopExecutor.shared(loop) === executor)
        }
    }

    @Test func `tasks that wait do their work before the first that gave way goes on`() async throws
    {
        let course = Course()
        try await onLoop { loop, executor in
            await together(
                loop, executor,
                (0..<5).map { number in
                    {
                        course.add("work \(number)")
                        await LoopExecutor.giveWay()
                        course.add("answer \(number)")
                    }
                })
        }
        #expect(course.all.prefix(5) == (0..<5).map { "work \($0)" }[...])
        #expect(Set(course.all.suffix(5)) == Set((0..<5).map { "answer \($0)" }))
    }

    @Test func `a task that gave way goes on although the others never end`() async throws {
        let course = Course()
        let (signal, signalled) = AsyncStream<Void>.makeStream()
        try await onLoop { loop, executor in
            await together(
                loop, executor,
                [
                    {
                        await LoopExecutor.giveWay()
                        course.add("went on")
                        signalled.finish()
                    },
                    {
                        for await _ in signal {}
                        course.add("had waited for it")
                    },
                ])
        }
        #expect(course.all == ["went on", "had waited for it"])
    }

    @Test func `a task that is alone on a loop, or on no loop, goes on at once`() async throws {
        await LoopExecutor.giveWay()
        try await onLoop { loop, executor in
            await together(loop, executor, [{ await LoopExecutor.giveWay() }])
        }
    }
}
