// One failed attempt at a remote store as a value, by which retries are decided.

/// One failed attempt, carried as the `cause` of the ``TesseraError`` a store throws.
package struct StoreFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// The HTTP status, nil where no answer came.
    package let status: Int?
    /// Whether the same request may succeed later.
    package let isRetryable: Bool
    /// Whether the store asked for fewer requests: 503 SlowDown, 429.
    package let isThrottle: Bool
    /// How long the store wants to be left alone.
    package let retryAfter: Duration?
    /// Whether a write may have been applied all the same: a timeout, a reset after sending, a 5xx.
    package let outcomeUnknown: Bool
    /// Whether no connection was made: a wrong address, or a store that is down.
    package let isUnreachable: Bool
    /// Details for the log: status, the store's own code and the request's id. Never a secret.
    package let detail: String

    package init(
        status: Int? = nil, isRetryable: Bool, isThrottle: Bool = false,
        retryAfter: Duration? = nil, outcomeUnknown: Bool = false,
        isUnreachable: Bool = false, detail: String
    ) {
        self.status = status
        self.isRetryable = isRetryable
        self.isThrottle = isThrottle
        self.retryAfter = retryAfter
        self.outcomeUnknown = outcomeUnknown
        self.isUnreachable = isUnreachable
        self.detail = detail
    }

    package var description: String { detail }
}
