// A wait that can be cut short.
import Synchronization
package import TesseraBase

/// One task waits; any task may end its wait.
package final class Bell: Sendable {
    private struct State {
        var isRung = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let clock: SteadyClock
    private let state = Mutex(State())

    package init(clock: SteadyClock = .system) {
        self.clock = clock
    }

    /// Ends the current wait, or the next one at once.
    package func ring() {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard let waiter = state.waiter else {
                state.isRung = true
                return nil
            }
            state.waiter = nil
            return waiter
        }
        waiter?.resume()
    }

    /// Returns when rung, after `longest`, or when the task is cancelled.
    func wait(upTo longest: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [self] in
                try? await clock.alarm(longest)
                ring()
            }
            await rung()
            group.cancelAll()
        }
        // The sleeping task rings once more when it is cancelled, which must not end the next wait.
        state.withLock { $0.isRung = false }
    }

    private func rung() async {
        await withCheckedContinuation { continuation in
            let isRung = state.withLock { state in
                if !state.isRung { state.waiter = continuation }
                defer { state.isRung = false }
                return state.isRung
            }
            if isRung { continuation.resume() }
        }
    }
}
