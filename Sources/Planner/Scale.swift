// What is known of an index of one size: how it is cut, what it takes, and what queries find and look at. Counts only, so the
// same vectors and seed give the same scale on every machine; times are apart.

/// A way to search, and what the mean query then finds and looks at.
package struct GridPoint: Sendable, Equatable, Codable {
    package var nprobe: Int
    package var refineDepth: Int
    package var recall: Double
    /// Of the nearest one, two and five of them: what would be asked of a denser index is nearer.
    package var nearest: [Double]
    package var work: QueryWork
}

/// What the mean query looks at.
package struct QueryWork: Sendable, Equatable, Codable {
    /// Shards whose lists are ranked.
    package var offered: Double
    /// Lists ranked in them.
    package var ranked: Double
    /// Shards that lists are scanned in.
    package var touched: Double
    package var codes: Double
    package var rows: Double

    /// What a time is fitted by, with a constant.
    var features: [Double] { [1, ranked, touched, codes, rows] }
}

/// Bytes an index takes.
package struct Footprint: Sendable, Equatable, Codable {
    /// In memory while it is searched.
    package var codes: Double
    package var models: Double
    /// Refine rows and external ids, where they are in memory.
    package var rowsAndIDs: Double
    /// In the store.
    package var stored: Double

    package var held: Double { codes + models + rowsAndIDs }
}

/// An index that was measured.
package struct Scale: Sendable, Equatable, Codable {
    package var vectors: Int
    package var shards: Int
    package var lists: Int
    package var queries: Int
    package var footprint: Footprint
    /// By nprobe, then by depth.
    package var points: [GridPoint]

    /// Lists of a shard.
    var listsPerShard: Double { Double(lists) / Double(max(1, shards)) }

    func point(_ nprobe: Int, _ refineDepth: Int) -> GridPoint? {
        points.first { $0.nprobe == nprobe && $0.refineDepth == refineDepth }
    }
}
