// Why a request to a store elsewhere failed, for whoever decides what to do next.

/// The cause of a ``TesseraError`` that a remote store throws.
package struct StoreFailure: Error, Sendable {
    /// The HTTP status, nil where no answer came.
    package let status: Int?
    /// The same request may succeed later.
    package let isRetryable: Bool
    /// The store asked for fewer requests: 503 SlowDown, 429.
    package let isThrottle: Bool
    /// How long the store asked to be left alone.
    package let retryAfter: Duration?
    /// A write may have been applied all the same: timeout, reset after sending, 5xx.
    package let outcomeUnknown: Bool
    /// What happened, for people: the store's own code and text, or the connection's.
    package let detail: String

    package init(
        status: Int? = nil, isRetryable: Bool = false, isThrottle: Bool = false,
        retryAfter: Duration? = nil, outcomeUnknown: Bool = false, detail: String
    ) {
        self.status = status
        self.isRetryable = isRetryable
        self.isThrottle = isThrottle
        self.retryAfter = retryAfter
        self.outcomeUnknown = outcomeUnknown
        self.detail = detail
    }
}
