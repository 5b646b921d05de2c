// Tasks that stay on one event loop, with whatever it reads and writes: handing a request to another thread and back costs
// more than a small search.
package import NIOCore

/// Runs tasks on an event loop. What takes long goes elsewhere by its own choice.
package final class LoopExecutor: TaskExecutor {
    private let loop: any EventLoop

    package init(_ loop: any EventLoop) {
        self.loop = loop
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { [self] in job.runSynchronously(on: asUnownedTaskExecutor()) }
    }
}
