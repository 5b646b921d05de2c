// Waiting that can be cut short.
import Synchronization

/// One waiter sleeps; anybody may ring.
package final class Bell: Sendable {
    private struct State {
        var isRung = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    package init() {}

    /// Ends the wait under way, or the next one at once.
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
                try? await Task.sleep(for: longest)
                ring()
            }
            await rung()
            group.cancelAll()
        }
        // The sleeper rings once more when it is cancelled: that is no news.
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
