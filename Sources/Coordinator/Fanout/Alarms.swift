// Timers that call back, for code that must not spend a task on each.
import NIOCore
import NIOPosix

/// Calls back once after a delay. Injected beside the clock, so that tests decide when time passes.
package struct Alarms: Sendable {
    /// Starts a timer for `ring`, and returns what cancels it.
    package let after:
        @Sendable (_ delay: Duration, _ ring: @escaping @Sendable () -> Void) ->
            @Sendable () ->
            Void

    package init(
        after:
            @escaping @Sendable (_ delay: Duration, _ ring: @escaping @Sendable () -> Void) ->
            @Sendable () -> Void
    ) {
        self.after = after
    }

    /// The timers of NIO's event loops.
    package static let eventLoops = Alarms { delay, ring in
        let scheduled = MultiThreadedEventLoopGroup.singleton.any()
            .scheduleTask(in: TimeAmount(max(.zero, delay)), ring)
        return { scheduled.cancel() }
    }
}
