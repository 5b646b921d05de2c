// Leaf requests of a coordinator to a worker, in the project's types: parts of queries, with their
// lists already chosen.
package import VectorCore

/// The part of one query that is searched in the shards of one group. It is searched on its own, so
/// that its answer does not depend on which worker searches it.
package struct SearchPart: Sendable, Equatable {
    /// The query's row in the request.
    package var query: Int
    /// Ordinal of the shard of each chosen list, from the nearest list on.
    package var shards: [UInt32]
    /// Number of each chosen list within its shard.
    package var lists: [UInt32]
    /// Whether the query has several parts, whose candidates are cut at one depth when merged.
    package var isShared: Bool

    package init(
        query: Int, shards: [UInt32] = [], lists: [UInt32] = [], isShared: Bool = false
    ) {
        self.query = query
        self.shards = shards
        self.lists = lists
        self.isShared = isShared
    }

    /// The shards, each once, in the order of their first list.
    package var distinctShards: [Int] {
        var seen: Set<UInt32> = []
        return shards.compactMap { seen.insert($0).inserted ? Int($0) : nil }
    }
}

/// A leaf request: the parts that one worker searches together.
package struct PartsRequest: Sendable, Equatable {
    /// The index's name.
    package var index: String
    /// The version's number.
    package var version: Int
    /// Number of results wanted of each part.
    package var k: Int
    /// Number of candidates re-ranked in each part.
    package var refineDepth: Int
    /// Time after which the coordinator stops waiting; nil for no limit.
    package var timeout: Duration?
    /// Queries `[queries][dimension]`, of unit length if the metric normalises.
    package var queries: Matrix
    /// Rotated queries `[queries][paddedDimension]`; nil if the index only pads its vectors.
    package var transformed: Matrix?
    /// The parts to search.
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

/// Distances by code of a part's candidates, by which they are cut after the search.
package struct PartEstimates: Sendable, Equatable {
    /// Distance by code of each hit.
    package var hits: [Float]
    /// Distance by code of every candidate that was re-ranked, ascending.
    package var candidates: [Float]

    package init(hits: [Float], candidates: [Float]) {
        self.hits = hits
        self.candidates = candidates
    }
}

/// The answer to one part.
package struct PartAnswer: Sendable, Equatable {
    /// The hits. With estimates, these are all hits that can be among the `k` nearest for any cut.
    package var answer: SearchAnswer
    /// The slowest tier that the part needed.
    package var source: AnswerSource
    /// The estimates; nil if the part is not shared, if nothing is re-ranked, and from workers of
    /// older builds.
    package var estimates: PartEstimates?

    package init(answer: SearchAnswer, source: AnswerSource, estimates: PartEstimates? = nil) {
        self.answer = answer
        self.source = source
        self.estimates = estimates
    }
}

/// Upper bounds of a message's fields, checked before anything is allocated for them.
package enum WireLimits {
    /// Bytes of a message.
    package static let message = 64 << 20
    /// Dimensions of a query.
    package static let dimension = 1 << 17
    /// Queries of a request.
    package static let queries = 1 << 16
    /// Parts of a request.
    package static let parts = 1 << 18
    /// Lists of all parts.
    package static let lists = 1 << 22
    /// Results of a part.
    package static let k = 1 << 16
    /// Candidates re-ranked in a part.
    package static let refineDepth = 1 << 20
    /// Largest refine depth at which candidates are cut when parts are merged, so that their
    /// estimates fit the message. With more candidates, each part keeps its own.
    package static let cutDepth = 1 << 11
    /// Shards of a version.
    package static let shards = 1 << 24
}
