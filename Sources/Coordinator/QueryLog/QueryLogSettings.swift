// What is kept of the queries that are answered.

/// How live queries are recorded.
package struct QueryLogSettings: Sendable {
    /// Each index has a folder of its own in it.
    package var folder: String
    /// Of the queries, 0 to 1.
    package var share = 0.01
    /// On disk, for each index; the oldest files go first.
    package var bytes = 64_000_000
    /// Of the draw: the same queries in the same order leave the same behind.
    package var seed: UInt64 = 0
    /// In the names of files: letters and digits that no other process uses.
    package var writer = "0"
    /// Between writes: what a kill loses.
    package var interval = Duration.seconds(5)

    package init(folder: String) {
        self.folder = folder
    }
}

/// What became of the queries of one index.
struct QueryLogCounts: Sendable, Equatable {
    /// Queries that were answered with vectors of their own.
    var seen = 0
    /// Those in files, and those that would have been and could not.
    var recorded = 0
    var dropped = 0
    /// Drawn and not yet written.
    var waiting = 0
    /// Of the index's files now.
    var bytes = 0
    /// Whether the last write failed.
    var isFailing = false
    var drift: DriftGauge.Reading?
}
