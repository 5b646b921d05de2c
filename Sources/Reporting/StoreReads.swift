// The cost of reading from a store, as reports and the planner state it.

/// Mean cost of a query that reads straight from the store.
package struct StoreReads: Sendable, Equatable, Codable {
    package var queries: Int
    package var roundTrips: Double
    /// Requests as the store bills them.
    package var requests: Double
    package var bytes: Double
    package var p50Milliseconds: Double
    package var p99Milliseconds: Double

    package init(
        queries: Int, roundTrips: Double, requests: Double, bytes: Double,
        p50Milliseconds: Double, p99Milliseconds: Double
    ) {
        self.queries = queries
        self.roundTrips = roundTrips
        self.requests = requests
        self.bytes = bytes
        self.p50Milliseconds = p50Milliseconds
        self.p99Milliseconds = p99Milliseconds
    }
}
