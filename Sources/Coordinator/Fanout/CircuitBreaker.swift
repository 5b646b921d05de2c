// Stops requests to a worker that keeps failing, for a while. Pure: the time is passed in.
package import TesseraBase

/// Decides whether a worker is asked at all.
///
/// A closed breaker lets every request through. It opens after several failures in a row, and then
/// lets none through until a pause has passed, which doubles each time. After the pause it is half
/// open: one request tries whether the worker is back.
package struct CircuitBreaker: Sendable, Equatable {
    /// The three states of a breaker.
    package enum State: Sendable, Equatable {
        case closed
        case open(until: SteadyClock.Instant)
        case halfOpen
    }

    /// When a breaker opens, and for how long.
    package struct Settings: Sendable, Equatable {
        /// Failures in a row that open the breaker.
        package var failures = 2
        /// The pause after opening; it doubles after each failed try.
        package var firstPause = Duration.milliseconds(100)
        /// The end of the doubling.
        package var longestPause = Duration.seconds(5)

        package init() {}
    }

    package private(set) var state = State.closed
    private let settings: Settings
    private var failuresInARow = 0
    private var pause: Duration

    package init(settings: Settings = Settings()) {
        self.settings = settings
        pause = settings.firstPause
    }

    /// Whether a request may go out now. Each request let through must end in ``succeeded()``,
    /// ``failed(at:)`` or ``abandoned(at:)``.
    package mutating func admits(at now: SteadyClock.Instant) -> Bool {
        switch state {
        case .closed: return true
        case .halfOpen: return false
        case .open(let until):
            guard now >= until else { return false }
            state = .halfOpen
            return true
        }
    }

    /// Notes an answer, which closes the breaker.
    package mutating func succeeded() {
        state = .closed
        failuresInARow = 0
        pause = settings.firstPause
    }

    /// Notes a failure of the worker.
    package mutating func failed(at now: SteadyClock.Instant) {
        failuresInARow += 1
        switch state {
        case .open: break
        case .halfOpen:
            pause = min(pause * 2, settings.longestPause)
            state = .open(until: now + pause)
        case .closed where failuresInARow >= settings.failures:
            state = .open(until: now + pause)
        case .closed: break
        }
    }

    /// Notes a request that ended without telling anything about the worker: another one may try at
    /// once.
    package mutating func abandoned(at now: SteadyClock.Instant) {
        if state == .halfOpen { state = .open(until: now) }
    }
}
