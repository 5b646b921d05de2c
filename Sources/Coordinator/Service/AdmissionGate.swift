// Bounds how many requests run at once and how many wait. One that finds both full is refused at
// once, so that its client can act instead of waiting in vain.
import Synchronization
package import TesseraBase

/// A bounded number of places and a bounded queue before them, first come, first served.
package final class AdmissionGate: Sendable {
    /// Requests that run and wait now, and those refused since the start.
    package struct Counts: Sendable, Equatable {
        package var running = 0
        package var waiting = 0
        package var refused = 0

        package init(running: Int = 0, waiting: Int = 0, refused: Int = 0) {
            self.running = running
            self.waiting = waiting
            self.refused = refused
        }
    }

    private struct Waiter {
        let number: UInt64
        let continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var running = 0
        var refused = 0
        var nextNumber: UInt64 = 0
        var queue: [Waiter] = []
        /// Requests whose time was up, or whose client left, before they stood in the queue.
        var givenUp: Set<UInt64> = []
    }

    private let places: Int
    private let seats: Int
    private let clock: SteadyClock
    private let state = Mutex(State())

    /// - Parameters:
    ///   - places: requests that run at once.
    ///   - seats: requests that may wait for a place.
    package init(places: Int, seats: Int, clock: SteadyClock = .system) {
        precondition(places >= 1 && seats >= 0, "a gate needs a place, and no negative seats")
        self.places = places
        self.seats = seats
        self.clock = clock
    }

    package var counts: Counts {
        state.withLock {
            Counts(running: $0.running, waiting: $0.queue.count, refused: $0.refused)
        }
    }

    /// Takes a place if one is free.
    package func tryEnter() -> Bool {
        state.withLock { state in
            guard state.running < places else { return false }
            state.running += 1
            return true
        }
    }

    /// Waits for a place. Each call that returns is followed by one ``leave()``.
    ///
    /// - Throws: `overloaded` when the queue is full, `deadlineExceeded` when the deadline passes
    ///   first.
    package func enter(
        deadline: SteadyClock.Instant?
    ) async throws(ServiceError) {
        if tryEnter() { return }
        let number = state.withLock { state in
            state.nextNumber += 1
            return state.nextNumber
        }
        defer { state.withLock { _ = $0.givenUp.remove(number) } }
        let entered: Entry = await withTaskCancellationHandler {
            guard let deadline else { return await wait(number) }
            return await withTaskGroup(of: Void.self) { group in
                group.addTask { [self] in
                    try? await clock.alarm(deadline - clock.now())
                    giveUp(number)
                }
                let entry = await wait(number)
                group.cancelAll()
                return entry
            }
        } onCancel: {
            giveUp(number)
        }
        switch entered {
        case .entered: return
        case .full:
            throw ServiceError(
                .overloaded,
                "\(places) requests are under way and \(seats) wait; try again in a moment",
                limit: places + seats)
        case .late:
            throw ServiceError(
                .deadlineExceeded,
                "the deadline passed while the request waited for a place; allow more time")
        }
    }

    /// Gives a place back; the request that has waited longest gets it.
    package func leave() {
        let next = state.withLock { state -> Waiter? in
            guard state.queue.isEmpty else { return state.queue.removeFirst() }
            state.running -= 1
            return nil
        }
        next?.continuation.resume(returning: true)
    }

    private enum Entry {
        case entered, full, late
    }

    private func wait(_ number: UInt64) async -> Entry {
        var isFull = false
        let entered = await withCheckedContinuation { continuation in
            let answer = state.withLock { state -> Bool? in
                if state.running < places {
                    state.running += 1
                    return true
                }
                if state.givenUp.contains(number) { return false }
                guard state.queue.count < seats else {
                    state.refused += 1
                    isFull = true
                    return false
                }
                state.queue.append(Waiter(number: number, continuation: continuation))
                return nil
            }
            if let answer { continuation.resume(returning: answer) }
        }
        return entered ? .entered : isFull ? .full : .late
    }

    private func giveUp(_ number: UInt64) {
        let waiter = state.withLock { state -> Waiter? in
            guard let index = state.queue.firstIndex(where: { $0.number == number }) else {
                state.givenUp.insert(number)
                return nil
            }
            return state.queue.remove(at: index)
        }
        waiter?.continuation.resume(returning: false)
    }
}
