// Tasks that stay on one event loop, with whatever it reads and writes: handing a request to another thread and back costs
// more than a small search.
//
// Invariant: a task that gave way goes on by itself, at the latest when all that waited before it have had their turn.
package import NIOCore
import NIOPosix
import Synchronization

/// Runs tasks on an event loop. What takes long goes elsewhere by its own choice.
package final class LoopExecutor: TaskExecutor {
    /// Tasks that gave way, and since when.
    private struct Held {
        var tasks: [CheckedContinuation<Void, Never>] = []
        var since = NIODeadline.uptimeNanoseconds(0)
    }

    /// Who gave way does so no longer than this and what then runs.
    private static let patience = TimeAmount.microseconds(250)
    private static let ofThread = ThreadSpecificVariable<LoopExecutor>()

    private static var current: LoopExecutor? { ofThread.currentValue }

    private let loop: any EventLoop
    /// Jobs that were handed over and have not begun.
    private let waiting = Atomic(0)
    private let held: NIOLoopBoundBox<Held?>

    package init(_ loop: any EventLoop) {
        self.loop = loop
        held = .makeEmptyBox(valueType: Held.self, eventLoop: loop)
    }

    /// The one executor that all connections of a loop share, so that they can give way to one another.
    package static func shared(_ loop: any EventLoop) async -> LoopExecutor {
        let shared = try? await loop.submit {
            if let executor = ofThread.currentValue { return executor }
            let executor = LoopExecutor(loop)
            ofThread.currentValue = executor
            return executor
        }.get()
        return shared ?? LoopExecutor(loop)
    }

    /// Keeps the process to as many loops as it may compute with threads, since searches are computed on loops: with more of
    /// them than cores, the requests of one wait while another has the core.
    ///
    /// - Precondition: called once, before any loop is used.
    package static func limitLoops(to threads: Int) {
        NIOSingletons.groupLoopCountSuggestion = min(UsableCores.count, threads)
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        waiting.add(1, ordering: .relaxed)
        loop.execute { [self] in
            waiting.subtract(1, ordering: .relaxed)
            unsafe job.runSynchronously(on: asUnownedTaskExecutor())
        }
    }

    /// Lets those go first that already wait for this thread's shared loop; elsewhere, and where nobody waits, it returns at
    /// once.
    ///
    /// Requests that arrived together are worked on one right after the other this way, and then answered one right after the
    /// other: code and data of each step are in the caches, and whoever reads the answers is woken once and not each time.
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

    /// Lets all go on that gave way.
    private func release() {
        guard let tasks = held.value?.tasks, !tasks.isEmpty else { return }
        held.value = nil
        for task in tasks { task.resume() }
    }
}
