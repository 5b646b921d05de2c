// Limits requests per second: no limit until the store throttles, then a rate that adapts to it.
//
// Additive increase, multiplicative decrease (Chiu and Jain, "Analysis of the Increase and Decrease
// Algorithms for Congestion Avoidance in Computer Networks", 1989), the rule by which many clients
// come to equal shares.
import TesseraBase

/// A token bucket whose rate halves on a throttle and grows steadily with success.
package struct AdaptiveRate: Sendable {
    /// Bounds of the limit and how it changes.
    package struct Limits: Sendable, Equatable {
        /// Lowest limit, in requests per second.
        package var floor = 1.0
        /// Highest limit; above it there is none.
        package var ceiling = 5000.0
        /// Growth of the limit per second with successes.
        package var increasePerSecond = 50.0
        package var decreaseFactor = 0.5
        /// Throttles within this time count as one: they answer requests sent at the same rate.
        package var cooldown = Duration.seconds(1)

        package init() {}
    }

    private let limits: Limits
    /// Requests a second; nil without a limit.
    package private(set) var limit: Double?
    /// Requests that may be sent at once; negative while requests wait.
    private var tokens = 0.0
    private var filledAt: Duration
    private var decreasedAt: Duration?
    private var increasedAt: Duration
    private var sent = SendRate()

    package init(_ limits: Limits, at now: Duration) {
        self.limits = limits
        filledAt = now
        increasedAt = now
    }

    /// Takes a place in the queue; returns how long to wait for it.
    package mutating func reserve(at now: Duration) -> Duration {
        fill(to: now)
        guard let limit else {
            sent.count(at: now)
            return .zero
        }
        tokens -= 1
        let wait = tokens >= 0 ? Duration.zero : .seconds(-tokens / limit)
        sent.count(at: now)
        return wait
    }

    /// Gives back a place that was not used.
    package mutating func refund() {
        if limit != nil { tokens += 1 }
    }

    /// The store asked for fewer requests.
    package mutating func throttled(at now: Duration) {
        if let decreasedAt, now - decreasedAt < limits.cooldown { return }
        fill(to: now)
        let current = min(limit ?? limits.ceiling, max(sent.perSecond, limits.floor))
        limit = max(limits.floor, current * limits.decreaseFactor)
        tokens = min(tokens, 0)
        decreasedAt = now
        increasedAt = now
    }

    /// The store answered.
    package mutating func succeeded(at now: Duration) {
        guard let current = limit, now > increasedAt else { return }
        fill(to: now)
        // Idle time shows nothing about the store, so the limit grows by one second's worth at
        // most.
        let seconds = min(1, (now - increasedAt).seconds)
        let next = current + limits.increasePerSecond * seconds
        limit = next < limits.ceiling ? next : nil
        increasedAt = now
    }

    private mutating func fill(to now: Duration) {
        let seconds = max(0, (now - filledAt).seconds)
        filledAt = max(filledAt, now)
        guard let limit else {
            tokens = 0
            return
        }
        // Bursts: a tenth of a second's requests, at least one.
        tokens = min(max(1, limit / 10), tokens + seconds * limit)
    }
}

/// Requests a second over the last second or two.
private struct SendRate: Sendable {
    private var start: Duration?
    private var number = 0.0
    private var before = 0.0

    var perSecond: Double { max(before, number) }

    mutating func count(at now: Duration) {
        guard let start else {
            start = now
            number = 1
            return
        }
        let seconds = (now - start).seconds
        if seconds >= 1 {
            before = number / seconds
            number = 0
            self.start = now
        }
        number += 1
    }
}
