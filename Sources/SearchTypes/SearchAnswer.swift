// What a search is asked and what it answers.
package import VectorCore

/// How far a search looks.
package struct SearchOptions: Sendable, Equatable {
    /// Results wanted.
    package var k: Int
    /// Lists scanned at most, over all shards.
    package var probeCount: Int
    /// How much farther than the nearest a list may be (``VectorIndex/QueryRun/chooseLists(_:margin:)``); nil where none is left out.
    package var listMargin: Float?
    /// Candidates re-ranked from the refine tier.
    package var refineDepth: Int
    /// Shards the router offers to the choice of lists.
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
    /// Lists that are likely to be scanned: a margin leaves out about half.
    package var likelyLists: Int { listMargin == nil ? probeCount : probeCount / 2 }

    /// Candidates a scan keeps.
    package func candidateDepth(refines: Bool) -> Int {
        refines ? max(k, refineDepth) : k
    }
}

/// One result.
package struct Hit: Sendable, Equatable {
    /// The user's id.
    package let id: String
    /// As ``VectorCore/Metric/reported(_:)`` defines it; smaller is nearer.
    package let distance: Float
    package let place: NumericID

    package init(id: String, distance: Float, place: NumericID) {
        self.id = id
        self.distance = distance
        self.place = place
    }
}

/// What a query cost.
package struct Receipt: Sendable, Equatable {
    /// Shards whose lists were considered.
    package var shardsOffered = 0
    /// Shards a list was scanned in.
    package var shardsTouched = 0
    package var listsScanned = 0
    /// Chosen lists that could hold nothing near enough any more.
    package var listsSkipped = 0
    package var codesScanned = 0
    package var rowsRefined = 0
    package var bytesRead = 0
    package var reads = 0
    /// Reads that had to wait for one another: those of one round trip go out together.
    package var roundTrips = 0
    package var route = Duration.zero
    package var scan = Duration.zero
    package var refine = Duration.zero
    package var resolve = Duration.zero

    package init() {}
}

/// The answer to one query: hits nearest first, ties to the lower place.
package struct SearchAnswer: Sendable, Equatable {
    package let hits: [Hit]
    package let receipt: Receipt

    package init(hits: [Hit], receipt: Receipt) {
        self.hits = hits
        self.receipt = receipt
    }
}
