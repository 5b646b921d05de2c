// Measuring how long something took. Measurements go into receipts and reports; decisions use
// ``SteadyClock``, which tests replace.

/// Measures time from its creation on.
package struct Stopwatch: Sendable {
    private var start = ContinuousClock.now

    package init() {}

    /// Time since the start or the last lap.
    package var elapsed: Duration { ContinuousClock.now - start }

    /// Returns the time since the start or the last lap, and starts the next lap.
    package mutating func lap() -> Duration {
        let now = ContinuousClock.now
        defer { start = now }
        return now - start
    }
}
