// Runs tasks on the event loop that reads and writes their connection: handing a request to another
// thread and back costs more than a small search.
//
// Invariant: a task that yielded resumes by itself, at the latest when all jobs that waited before
// it have run.
package import NIOCore
import NIOPosix
import Synchronization

/// Runs tasks on an event loop. Long work has to be moved elsewhere by its caller.
package final class LoopExecutor: TaskExecutor {
    /// Tasks that yielded, and since when.
    private struct Held {
        var tasks: [CheckedContinuation<Void, Never>] = []
        var since = NIODeadline.uptimeNanoseconds(0)
    }

    /// Longest time a task yields before it resumes.
    private static let patience = TimeAmount.microseconds(250)
    private static let ofThread = ThreadSpecificVariable<LoopExecutor>()

    private static var current: LoopExecutor? { ofThread.currentValue }

    private let loop: any EventLoop
    /// Jobs that were submitted and have not started.
    private let waiting = Atomic(0)
    private let held: NIOLoopBoundBox<Held?>

    package init(_ loop: any EventLoop) {
        self.loop = loop
        held = .makeEmptyBox(valueType: Held.self, eventLoop: loop)
    }

    /// The one executor that all connections of a loop share, so that their tasks can yield to one
    /// another.
    package static func shared(_ loop: any EventLoop) async -> LoopExecutor {
        let shared = try? await loop.submit {
            if let executor = ofThread.currentValue { return executor }
            let executor = LoopExecutor(loop)
            ofThread.currentValue = executor
            return executor
        }.get()
        return shared ?? LoopExecutor(loop)
    }

    /// Limits the number of event loops to the number of computing threads. Searches run on loops:
    /// with more loops than cores, the requests of one loop would wait while another has the core.
    ///
    /// - Precondition: called once, before any loop is used.
    package static func limitLoops(to threads: Int) {
        NIOSingletons.groupLoopCountSuggestion = min(UsableCores.count, threads)
    }

    /// Runs a job on the loop.
    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        waiting.add(1, ordering: .relaxed)
        loop.execute { [self] in
            waiting.subtract(1, ordering: .relaxed)
            unsafe job.runSynchronously(on: asUnownedTaskExecutor())
        }
    }

    /// Lets jobs run first that already wait for this thread's shared loop. Returns at once on
    /// other threads, and if no job waits.
    ///
    /// Requests that arrived together are then computed one right after the other, and answered one
    /// right after the other: code and data of each step are in the caches, and the reader of the
    /// answers is woken once instead of each time.
    nonisolated(nonsending) package static func giveWay() async {
        guard let executor = current else { return }
        let now = NIODeadline.now()
        var held = executor.held.value ?? Held()
        let isLate = !held.tasks.isEmpty && now - held.since >= patience
        guard !isLate, executor.waiting.load(ordering: .relaxed) > 0 else {
            return executor.release()
        }
        await withCheckedContinuation { task in
            if held.tasks.isEmpty {
                held.since = now
                executor.loop.execute { executor.release() }
            }
            held.tasks.append(task)
            executor.held.value = held
        }
    }

    /// Resumes all tasks that yielded.
    private func release() {
        guard let tasks = held.value?.tasks, !tasks.isEmpty else { return }
        held.value = nil
        for task in tasks { task.resume() }
    }
}
