// Time that passes only when a test says so, for everything that waits by the injected clock.
import Coordinator
import Synchronization
import TesseraBase

/// A clock, and timers by the same time. Sleeps, alarms and timers end when time is moved past
/// them.
final class ManualClock: Sendable {
    private struct Wake {
        let time: Duration
        let ring: @Sendable (_ isDue: Bool) -> Void
    }

    private struct State {
        var now = Duration.zero
        var wakes: [Int: Wake] = [:]
        var next = 0
    }

    private let state = Mutex(State())

    var now: Duration { state.withLock { $0.now } }

    /// The clock to inject.
    var steady: SteadyClock {
        SteadyClock(
            now: { self.now }, sleep: { try await self.wait($0) },
            alarm: { try await self.wait($0) })
    }

    /// The timers to inject.
    var alarms: Alarms {
        Alarms { delay, ring in
            let number = self.add(delay) { isDue in if isDue { ring() } }
            return { self.remove(number) }
        }
    }

    /// Moves time, and ends every wait that is then due.
    func advance(by duration: Duration) {
        let due = state.withLock { state in
            state.now += duration
            let due = state.wakes.filter { $0.value.time <= state.now }
            for number in due.keys { state.wakes[number] = nil }
            return due.sorted { $0.key < $1.key }.map(\.value)
        }
        for wake in due { wake.ring(true) }
    }

    /// Moves time to the next wait's end, once there is a wait.
    func advanceToNextWake() async {
        while !Task.isCancelled {
            let step = state.withLock { state in
                state.wakes.values.map(\.time).min().map { $0 - state.now }
            }
            if let step { return advance(by: step) }
            await Task.yield()
        }
    }

    /// Returns once something waits for a time in `range`.
    func waitForWake(in range: ClosedRange<Duration>) async {
        while !Task.isCancelled,
            !state.withLock({ $0.wakes.values.contains { range.contains($0.time) } })
        {
            await Task.yield()
        }
    }

    private func wait(_ duration: Duration) async throws {
        let number = Mutex<Int?>(nil)
        let isDue = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let added = add(duration) { continuation.resume(returning: $0) }
                number.withLock { $0 = added }
                if Task.isCancelled { remove(added) }
            }
        } onCancel: {
            if let added = number.withLock({ $0 }) { remove(added) }
        }
        guard isDue else { throw CancellationError() }
    }

    private func add(
        _ delay: Duration, _ ring: @escaping @Sendable (_ isDue: Bool) -> Void
    ) -> Int {
        let (number, isDue) = state.withLock { state in
            state.next += 1
            guard delay > .zero else { return (state.next, true) }
            state.wakes[state.next] = Wake(time: state.now + delay, ring: ring)
            return (state.next, false)
        }
        if isDue { ring(true) }
        return number
    }

    private func remove(_ number: Int) {
        state.withLock { $0.wakes.removeValue(forKey: number) }?.ring(false)
    }
}
