// Bounds of what callers of the service may ask for or occupy, whatever surface they come by.

/// Bounds that every surface shares.
package struct ServiceLimits: Sendable {
    /// Results that a query may ask for.
    package var results = 1000
    /// Queries in one request.
    package var batch = 1000
    /// Searches that run at once.
    package var running = 256
    /// Searches that wait for one of those places; more are refused.
    package var waiting = 1024
    /// Deadline of a search that brings none, from its arrival.
    package var deadline = Duration.seconds(30)

    package init() {}
}
