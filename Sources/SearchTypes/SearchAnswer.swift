// The options of a search, and its answer with a receipt of its cost.
package import VectorCore

/// The extent of a search.
package struct SearchOptions: Sendable, Equatable {
    /// Number of results wanted.
    package var k: Int
    /// Most lists scanned, over all shards.
    package var probeCount: Int
    /// How much farther than the nearest list another list may lie to be scanned; nil to leave out
    /// none.
    package var listMargin: Float?
    /// Number of candidates re-ranked from the refine tier.
    package var refineDepth: Int
    /// Number of probed shards: those among whose lists the search chooses.
    package var probeShards: Int

    package init(
        k: Int, probeCount: Int, listMargin: Float?, refineDepth: Int, probeShards: Int
    ) {
        self.k = k
        self.probeCount = probeCount
        self.listMargin = listMargin
        self.refineDepth = refineDepth
        self.probeShards = probeShards
    }
}

extension SearchOptions {
    /// Estimated number of lists scanned: a margin leaves out about half.
    package var likelyLists: Int { listMargin == nil ? probeCount : probeCount / 2 }

    /// Number of candidates that a scan keeps.
    package func candidateDepth(refines: Bool) -> Int {
        refines ? max(k, refineDepth) : k
    }
}

/// One result.
package struct Hit: Sendable, Equatable {
    /// The external id, as the user gave it.
    package let id: String
    /// The distance as ``VectorCore/Metric/reported(_:)`` defines it; smaller is nearer.
    package let distance: Float
    /// The vector's shard and row.
    package let place: NumericID

    package init(id: String, distance: Float, place: NumericID) {
        self.id = id
        self.distance = distance
        self.place = place
    }
}

/// The cost of one query. Stages are route (with the choice of lists), scan, refine and resolve.
package struct Receipt: Sendable, Equatable {
    /// Number of probed shards: those whose lists were considered.
    package var shardsOffered = 0
    /// Number of shards in which a list was scanned.
    package var shardsTouched = 0
    package var listsScanned = 0
    /// Chosen lists that were not scanned, because none of their vectors could be near enough.
    package var listsSkipped = 0
    /// Codes compared by the scan.
    package var codesScanned = 0
    /// Number of candidates re-ranked by their refine rows.
    package var rowsRefined = 0
    /// Bytes read from disk or the store.
    package var bytesRead = 0
    /// Number of reads from disk or the store.
    package var reads = 0
    /// Number of read steps, one after another; the reads of one step go out together.
    package var roundTrips = 0
    /// Time to route the query and choose its lists.
    package var route = Duration.zero
    package var chooseLists = Duration.zero
    /// Time to scan codes.
    package var scan = Duration.zero
    /// Time to re-rank candidates.
    package var refine = Duration.zero
    /// Time to resolve places to external ids.
    package var resolve = Duration.zero

    package init() {}
}

/// The answer to one query: hits from the nearest on, ties in the order of their places.
package struct SearchAnswer: Sendable, Equatable {
    package let hits: [Hit]
    package let receipt: Receipt

    package init(hits: [Hit], receipt: Receipt) {
        self.hits = hits
        self.receipt = receipt
    }
}
