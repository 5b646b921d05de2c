// Does equal work once that several tasks want at the same time.
import Synchronization
package import TesseraBase

/// Lets one task at a time do the work for a key; tasks that ask meanwhile get its result.
///
/// The first caller works in its own task, so nothing outlives its callers. If it is cancelled, one
/// of the others takes over. A cancelled follower returns at once.
package final class SingleFlight<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    /// Resumed with nil, a follower starts again.
    private typealias Follower = CheckedContinuation<Result<Value, TesseraError>?, Never>

    private struct State {
        var flights: [Key: [Int: Follower]] = [:]
        var nextNumber = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// Returns the result of `body` for `key`, run by this task or by one that started before.
    package func run(
        _ key: Key, _ body: () async throws(TesseraError) -> Value
    ) async throws(TesseraError) -> Value {
        while true {
            if Task.isCancelled {
                throw TesseraError(.cancelled, "the work was cancelled while another did it")
            }
            if lead(key) {
                let result = await outcome(body)
                land(key, result)
                return try result.get()
            }
            if let shared = await follow(key) { return try shared.get() }
        }
    }

    private func lead(_ key: Key) -> Bool {
        state.withLock { state in
            guard state.flights[key] == nil else { return false }
            state.flights[key] = [:]
            return true
        }
    }

    private func land(_ key: Key, _ result: Result<Value, TesseraError>) {
        let followers = state.withLock { $0.flights.removeValue(forKey: key) ?? [:] }
        var shared: Result<Value, TesseraError>? = result
        if case .failure(let error) = result, error.code == .cancelled { shared = nil }
        for follower in followers.values { follower.resume(returning: shared) }
    }

    private func follow(_ key: Key) async -> Result<Value, TesseraError>? {
        let number = state.withLock { state in
            state.nextNumber += 1
            return state.nextNumber
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isFollowing = state.withLock { state in
                    guard !Task.isCancelled, state.flights[key] != nil else { return false }
                    state.flights[key]?[number] = continuation
                    return true
                }
                if !isFollowing { continuation.resume(returning: nil) }
            }
        } onCancel: {
            state.withLock { $0.flights[key]?.removeValue(forKey: number) }?
                .resume(returning: nil)
        }
    }
}
