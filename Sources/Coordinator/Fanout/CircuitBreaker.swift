// Leaves a worker that fails alone for a while. Pure: the time is passed in.
package import TesseraBase

/// Whether a worker is asked at all.
///
/// Closed: it is. Open: it failed several times in a row and is not asked until a pause has passed, twice as long each
/// time. Half open: the pause is over and one request tries whether it is back.
package struct CircuitBreaker: Sendable, Equatable {
    package enum State: Sendable, Equatable {
        case closed
        case open(until: SteadyClock.Instant)
        case halfOpen
    }

    package struct Settings: Sendable, Equatable {
        /// Failures in a row that open the breaker.
        package var failures = 2
        package var firstPause = Duration.milliseconds(100)
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

    /// Whether a request may go out now. One that is let through half open must end in ``succeeded()``,
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

    package mutating func succeeded() {
        state = .closed
        failuresInARow = 0
        pause = settings.firstPause
    }

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

    /// A request ended without saying anything about the worker: another one may try at once.
    package mutating func abandoned(at now: SteadyClock.Instant) {
        if state == .halfOpen { state = .open(until: now) }
    }
}
