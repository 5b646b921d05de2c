// What reading from a store takes, as the reports and the planner state it.

/// What queries straight from the store read, on average.
package struct StoreReads: Sendable, Equatable, Codable {
    package var queries: Int
    package var roundTrips: Double
    /// As the store bills them.
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
