// Messages from other threads to one task.
import Synchronization

/// Multi-producer, single-consumer queue. Unbounded; its owner bounds the number of messages.
final class Mailbox<Message: Sendable>: Sendable {
    private struct State {
        var messages: [Message] = []
        var taken = 0
        var waiter: CheckedContinuation<Message, Never>?
    }

    private let state = Mutex(State())

    /// Adds a message.
    func put(_ message: Message) {
        let waiter = state.withLock { state -> CheckedContinuation<Message, Never>? in
            guard let waiter = state.waiter else {
                state.messages.append(message)
                return nil
            }
            state.waiter = nil
            return waiter
        }
        waiter?.resume(returning: message)
    }

    /// Waits for the next message. A cancellation does not end the wait: the consumer arranges for
    /// a message at its deadline.
    func next() async -> Message {
        await withCheckedContinuation { continuation in
            let message = state.withLock { state -> Message? in
                guard state.taken < state.messages.count else {
                    state.waiter = continuation
                    return nil
                }
                defer { state.taken += 1 }
                return state.messages[state.taken]
            }
            if let message { continuation.resume(returning: message) }
        }
    }
}
