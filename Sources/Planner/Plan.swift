// What the planner answers. Nothing of it was measured at that size; the report it stands in says how far off it may be.
package import Reporting

/// An index that is not there yet, foretold.
package struct Plan: Sendable, Codable {
    package var question: WhatIf
    package var cut: IndexCut
    package var way: SearchWay
    package var recall: Double
    package var work: QueryWork
    /// Of the whole index.
    package var footprint: Footprint
    package var shardsPerWorker: Int
    /// Held by one worker.
    package var memoryPerWorker: Double
    /// Where training sorts vectors into cells.
    package var scratchBytes: Double
    package var p50Microseconds: Double
    package var p99Microseconds: Double
    /// Share of the queries that read something from the store.
    package var storeShare: Double
    /// Of the mean query; nil where everything is in memory.
    package var store: StoreReads?
    package var trainSeconds: Double
    package var publishSeconds: Double
    package var costs: Costs
    /// All workers for a month, and storage.
    package var monthInMemory: Double
    /// One machine while it builds.
    package var buildDollars: Double
    package var remarks: [String]
}
