// When a failed request is tried again: pure decisions, no clock and no waiting.
import TesseraBase

/// What to do after a failed try.
package enum RetryDecision: Sendable, Equatable {
    case retry(after: Duration)
    case giveUp(GiveUpReason)
}

/// Why a request is not tried again.
package enum GiveUpReason: Sendable, Equatable {
    /// A retry would get the same answer.
    case final
    case triesUsedUp
    /// The store never answered; most likely the address is wrong.
    case neverReached
    /// The operation's time would end before the next try.
    case deadline
    /// The retry budget is used up: too many requests fail at present.
    case budget

    /// Text for messages, after "gave up after 3 tries in 2 s: "; nil where nothing was given up.
    var text: String? {
        switch self {
        case .final: nil
        case .triesUsedUp: "that was the last try"
        case .neverReached: "nothing has answered there yet"
        case .deadline: "no time is left for another"
        case .budget: "too many requests fail at present to try this one again"
        }
    }
}

/// Capped exponential backoff with full jitter, within a number of tries, a time and a budget.
///
/// Full jitter after Brooker, "Exponential Backoff and Jitter" (AWS Architecture Blog, 2015): the
/// wait is uniform between nothing and the cap of its try, which spreads clients that failed
/// together.
package struct RetryPolicy: Sendable, Equatable {
    /// Tries in all, the first one too.
    package var maximumTries = 10
    /// The longest wait before the second try; it doubles with each try.
    package var baseDelay = Duration.milliseconds(50)
    package var maximumDelay = Duration.seconds(10)
    /// One try may take this long, and longer for its bytes.
    package var requestTimeout = Duration.seconds(30)
    /// All tries and waits may take this long, and longer for the bytes.
    package var operationTimeout = Duration.seconds(120)
    /// How long a store is tried that was never reached: a typing error should not take minutes. A
    /// store that has answered before gets the full time.
    package var firstContactTimeout = Duration.seconds(4)
    /// The part of an operation's time that is kept for reading back a write whose answer was lost.
    package var settleTimeout = Duration.seconds(30)
    /// A connection slower than this counts as broken.
    package var slowestBytesPerSecond = 1 << 20
    /// Assumed size of a read whose size is not known, in bytes.
    package var unknownBytes = 64 << 20
    package var budget = RetryBudget.Limits()
    package var rate = AdaptiveRate.Limits()

    package init() {}

    /// The wait before another try, or the reason for none.
    ///
    /// - Parameters:
    ///   - failure: what the store said; nil if the error is not from a remote store.
    ///   - attempt: how many tries there have been, at least 1.
    ///   - elapsed: since the operation began.
    ///   - limit: the time the operation may take.
    ///   - hasAnswered: whether the store ever answered.
    ///   - jitter: a random number in 0..<1.
    ///   - withdraw: takes one retry from the budget; asked last, so that nothing is taken in vain.
    package func decide(
        _ failure: StoreFailure?, attempt: Int, elapsed: Duration, limit: Duration,
        hasAnswered: Bool = true, jitter: Double, withdraw: () -> Bool
    ) -> RetryDecision {
        guard let failure, failure.isRetryable || failure.isThrottle else { return .giveUp(.final) }
        let neverReached = failure.isUnreachable && !hasAnswered
        guard attempt < maximumTries else {
            return .giveUp(neverReached ? .neverReached : .triesUsedUp)
        }
        let delay = (failure.retryAfter ?? .zero) + backoff(attempt: attempt) * jitter
        if neverReached, elapsed + delay >= firstContactTimeout {
            return .giveUp(.neverReached)
        }
        guard elapsed + delay < limit else { return .giveUp(.deadline) }
        guard withdraw() else { return .giveUp(.budget) }
        return .retry(after: delay)
    }

    /// The longest wait after try number `attempt`.
    package func backoff(attempt: Int) -> Duration {
        let doublings = min(max(attempt - 1, 0), 30)
        return min(maximumDelay, baseDelay * (1 << doublings))
    }

    /// How long one try may take that moves `bytes`, nil where their number is not known.
    package func requestLimit(bytes: Int?) -> Duration {
        requestTimeout + transfer(bytes)
    }

    /// How long a whole operation may take that moves `bytes`; room for two transfers.
    package func operationLimit(bytes: Int?) -> Duration {
        operationTimeout + transfer(bytes) * 2
    }

    private func transfer(_ bytes: Int?) -> Duration {
        .seconds(Double(bytes ?? unknownBytes) / Double(slowestBytesPerSecond))
    }
}
