// Settings and counts of the query log.

/// Settings of the sampling and recording of live queries.
package struct QueryLogSettings: Sendable {
    /// The folder of the log; each index has a folder in it.
    package var folder: String
    /// Share of the queries that is recorded, 0 to 1.
    package var share = 0.01
    /// Bytes on disk for each index; the oldest files are removed first.
    package var bytes = 64_000_000
    /// Seed of the sampling: equal seeds sample the same positions of a sequence of queries.
    package var seed: UInt64 = 0
    /// Part of every file name: letters and digits that no other process uses.
    package var writer = "0"
    /// Time between two writes, and so the most that a killed process loses.
    package var interval = Duration.seconds(5)

    package init(folder: String) {
        self.folder = folder
    }
}

/// Counts of one index's queries, by what became of them.
struct QueryLogCounts: Sendable, Equatable {
    /// Queries answered that came as vectors.
    var seen = 0
    /// Sampled queries written to files.
    var recorded = 0
    /// Sampled queries lost because they could not be kept or written.
    var dropped = 0
    /// Sampled queries not written yet.
    var waiting = 0
    /// Bytes of the index's files now.
    var bytes = 0
    /// Whether the last write failed.
    var isFailing = false
    var drift: DriftGauge.Reading?
}

/// Counts of all indexes' query logs.
struct QueryLogReport: Sendable {
    /// Share of the queries that is recorded.
    let share: Double
    /// Counts of each index, by name.
    let indexes: [(name: String, counts: QueryLogCounts)]
}
