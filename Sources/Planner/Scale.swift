// The measurements of an index of one size: its cut, its bytes, and what queries find and read.
// They are counts only, so the same vectors and seed give the same scale on every machine. Times
// are kept elsewhere.

/// Search parameters, with recall and counts of the mean query.
package struct GridPoint: Sendable, Equatable, Codable {
    package var nprobe: Int
    package var refineDepth: Int
    package var recall: Double
    /// Recall among the nearest one, two and five: the neighbours in a denser index are nearer.
    package var nearest: [Double]
    package var work: QueryWork
}

/// Counts of the mean query.
package struct QueryWork: Sendable, Equatable, Codable {
    /// Shards whose lists are ranked.
    package var offered: Double
    /// Lists ranked in these shards.
    package var ranked: Double
    /// Shards in which lists are scanned.
    package var touched: Double
    package var codes: Double
    package var rows: Double

    /// The variables that a query's time is fitted by, with a constant.
    var features: [Double] { [1, ranked, touched, codes, rows] }
}

/// Bytes of an index.
package struct Footprint: Sendable, Equatable, Codable {
    /// Bytes in memory during a search.
    package var codes: Double
    package var models: Double
    /// Refine rows and external ids, if they are in memory.
    package var rowsAndIDs: Double
    /// Bytes in the store.
    package var stored: Double

    package var held: Double { codes + models + rowsAndIDs }
}

/// A measured index.
package struct Scale: Sendable, Equatable, Codable {
    package var vectors: Int
    package var shards: Int
    package var lists: Int
    package var queries: Int
    package var footprint: Footprint
    /// Measurements, ordered by nprobe, then by depth.
    package var points: [GridPoint]

    /// Mean number of lists in a shard.
    var listsPerShard: Double { Double(lists) / Double(max(1, shards)) }

    func point(_ nprobe: Int, _ refineDepth: Int) -> GridPoint? {
        points.first { $0.nprobe == nprobe && $0.refineDepth == refineDepth }
    }
}
