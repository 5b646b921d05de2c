// What a coordinator sends a worker, in the words of the project: parts of queries, with the lists already chosen.
package import VectorCore

/// What one query scans in the shards of one group. Searched on its own, so that its answer does not depend on who
/// searches it.
package struct SearchPart: Sendable, Equatable {
    /// The query's row.
    package var query: Int
    /// For each chosen list, nearest first, the ordinal of its shard.
    package var shards: [UInt32]
    /// And its number in there.
    package var lists: [UInt32]
    /// One of several of its query: their candidates are cut at one depth where they are merged.
    package var isShared: Bool

    package init(
        query: Int, shards: [UInt32] = [], lists: [UInt32] = [], isShared: Bool = false
    ) {
        self.query = query
        self.shards = shards
        self.lists = lists
        self.isShared = isShared
    }

    /// The shards, each once, in the order their first list comes.
    package var distinctShards: [Int] {
        var seen: Set<UInt32> = []
        return shards.compactMap { seen.insert($0).inserted ? Int($0) : nil }
    }
}

/// Parts that one worker searches.
package struct PartsRequest: Sendable, Equatable {
    package var index: String
    package var version: Int
    /// Results wanted of each part.
    package var k: Int
    /// Candidates re-ranked in each part.
    package var refineDepth: Int
    /// After this nobody waits any more.
    package var timeout: Duration?
    /// `[queries][dimension]`, as the metric wants them.
    package var queries: Matrix
    /// `[queries][paddedDimension]` where the index rotates its vectors; nil where it only pads them.
    package var transformed: Matrix?
    package var parts: [SearchPart]

    package init(
        index: String, version: Int, k: Int, refineDepth: Int, timeout: Duration?, queries: Matrix,
        transformed: Matrix?, parts: [SearchPart]
    ) {
        self.index = index
        self.version = version
        self.k = k
        self.refineDepth = refineDepth
        self.timeout = timeout
        self.queries = queries
        self.transformed = transformed
        self.parts = parts
    }
}

/// What it takes to cut a part's candidates after it was searched: their distances by their codes.
package struct PartEstimates: Sendable, Equatable {
    /// Of each hit.
    package var hits: [Float]
    /// Of every candidate that was re-ranked, ascending.
    package var candidates: [Float]

    package init(hits: [Float], candidates: [Float]) {
        self.hits = hits
        self.candidates = candidates
    }
}

/// The answer to one part.
package struct PartAnswer: Sendable, Equatable {
    /// With estimates, the hits are all that are among the `k` nearest wherever the candidates are cut.
    package var answer: SearchAnswer
    package var source: AnswerSource
    /// Nil where the part is not shared, where nothing is re-ranked, and from workers of a build that tells none.
    package var estimates: PartEstimates?

    package init(answer: SearchAnswer, source: AnswerSource, estimates: PartEstimates? = nil) {
        self.answer = answer
        self.source = source
        self.estimates = estimates
    }
}

/// What the fields of a message may be at most, checked before anything is made of them.
package enum WireLimits {
    /// Bytes of a message.
    package static let message = 64 << 20
    package static let dimension = 1 << 17
    package static let queries = 1 << 16
    package static let parts = 1 << 18
    package static let lists = 1 << 22
    package static let k = 1 << 16
    package static let refineDepth = 1 << 20
    /// Candidates of a part that are cut where parts are merged, so that their estimates fit the message. Of more than that
    /// each part keeps its own.
    package static let cutDepth = 1 << 11
    package static let shards = 1 << 24
}
