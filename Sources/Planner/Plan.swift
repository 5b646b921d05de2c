// The planner's answer to one question. All of it is predicted; the report around it states the
// error.
package import Reporting

/// A predicted index.
package struct Plan: Sendable, Codable {
    package var question: WhatIf
    package var cut: IndexCut
    package var way: SearchWay
    package var recall: Double
    package var work: QueryWork
    /// Bytes of the whole index.
    package var footprint: Footprint
    package var shardsPerWorker: Int
    /// Bytes held by one worker.
    package var memoryPerWorker: Double
    /// Bytes of the folder in which training sorts vectors into cells.
    package var scratchBytes: Double
    package var p50Microseconds: Double
    package var p99Microseconds: Double
    /// Share of the queries that read something from the store.
    package var storeShare: Double
    /// Reads of the mean query; nil if everything is in memory.
    package var store: StoreReads?
    package var trainSeconds: Double
    package var publishSeconds: Double
    package var costs: Costs
    /// All workers for a month, plus storage.
    package var monthInMemory: Double
    /// One machine for the time of the build.
    package var buildDollars: Double
    package var remarks: [String]
}
