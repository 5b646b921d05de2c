// Time that only moves forward, and waiting, as injected values: tests wait in no time.
internal import Foundation

/// The one clock that decisions use: deadlines, retries, hedging, circuit breakers, caches.
package struct SteadyClock: Sendable {
    /// Time since a moment in the past that is the same for all uses of one clock.
    package typealias Instant = Duration

    /// The time now.
    package let now: @Sendable () -> Instant
    /// Waits for a duration; throws as soon as the task is cancelled.
    package let sleep: @Sendable (Duration) async throws -> Void
    /// Waits as the timeout of a race with work. The system's clock waits as ``sleep`` does; tests
    /// control each separately.
    package let alarm: @Sendable (Duration) async throws -> Void

    package init(
        now: @escaping @Sendable () -> Duration,
        sleep: @escaping @Sendable (Duration) async throws -> Void,
        alarm: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.now = now
        self.sleep = sleep
        self.alarm = alarm
    }

    /// The machine's clock, which keeps running while the machine sleeps.
    package static let system: SteadyClock = {
        let clock = ContinuousClock()
        let start = clock.now
        let wait: @Sendable (Duration) async throws -> Void = {
            try await Task.sleep(for: $0, clock: clock)
        }
        return SteadyClock(now: { start.duration(to: clock.now) }, sleep: wait, alarm: wait)
    }()
}

/// Random numbers that spread waiting times. They must differ between processes, so the default is
/// not seeded.
package struct Jitter: Sendable {
    /// A number in 0..<1.
    package let next: @Sendable () -> Double

    package init(next: @escaping @Sendable () -> Double) {
        self.next = next
    }

    /// Takes its numbers from the first 48 bits of a UUID, which are all random.
    package static let system = Jitter {
        let bytes = UUID().uuid
        let head = [bytes.0, bytes.1, bytes.2, bytes.3, bytes.4, bytes.5]
        return Double(head.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }) / 0x1p48
    }
}

extension Duration {
    /// This duration in seconds.
    package var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }

    /// This duration for people: "0.35 s", "12 s".
    package var text: String {
        let value = seconds
        return value < 10 ? String(format: "%.2f s", value) : String(format: "%.0f s", value)
    }
}
