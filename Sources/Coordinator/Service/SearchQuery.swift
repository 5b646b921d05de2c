// The request of a surface to the service, and its result.
import Catalog
package import SearchTypes
package import VectorCore

/// One search request in the service's words. What depends on the version is checked by the
/// service.
package struct SearchQuery: Sendable {
    /// The vector or vectors whose nearest neighbours are wanted.
    package enum Target: Sendable, Equatable {
        /// Queries `[queries][dimension]`, as the client sent them.
        case vectors([Float])
        /// The stored vector of an id, which is left out of its own results.
        case id(String)
    }

    /// The extent of a search.
    package enum Effort: Sendable, Equatable {
        /// As far as the cheapest operating point that reaches this recall.
        case recall(Double)
        /// As far as these say; nil takes the version's default.
        case parameters(nprobe: Int?, refine: Int?)
    }

    /// What an answer carries besides ids and distances.
    package struct Extras: OptionSet, Sendable, Hashable {
        package let rawValue: Int

        package init(rawValue: Int) {
            self.rawValue = rawValue
        }

        /// The stored vectors of the results.
        package static let vectors = Extras(rawValue: 1)
        /// The metadata of the results.
        package static let metadata = Extras(rawValue: 2)
        /// The cost of the search. Such a search is never answered from the response cache.
        package static let receipts = Extras(rawValue: 4)
    }

    package var target: Target
    /// Results wanted of each query.
    package var k = 10
    package var effort = Effort.parameters(nprobe: nil, refine: nil)
    /// Time allowed from the request's arrival; nil takes the service's default.
    package var deadline: Duration?
    /// Whether an answer without some of the shards is better than none.
    package var allowsPartial = false
    package var extras: Extras = []
    /// The version that must answer; nil for whichever is current.
    package var version: Int?

    package init(_ target: Target) {
        self.target = target
    }
}

/// The answers to one search request.
package struct SearchResults: Sendable {
    /// The version that answered.
    package let version: Int
    package let metric: Metric
    /// One answer for each query, in the order of the request.
    package let answers: [BackendAnswer]
    /// Stored vectors `[queries][hits][dimension]`, if they were asked for.
    package let vectors: [[[Float]]]?
    /// Whether the answers came from the response cache.
    package let isCached: Bool
    let times: StageTimes

    /// Hits of all answers.
    package var hitCount: Int { answers.reduce(0) { $0 + $1.answer.hits.count } }

    /// Share of the shards that answered, 0 to 1: the smallest of all answers.
    package var share: Float { answers.reduce(1) { min($0, $1.share) } }

    /// The slowest tier that an answer needed.
    package var source: AnswerSource {
        guard !isCached else { return .cache }
        return answers.reduce(.ram) { $0.rank < $1.source.rank ? $1.source : $0 }
    }
}

extension AnswerSource {
    /// Position in the order of speed: a slower tier has a higher rank.
    var rank: Int {
        switch self {
        case .cache: 0
        case .ram: 1
        case .disk: 2
        case .store: 3
        }
    }
}

/// A version held for one request: it stays open until this value ends, whatever is published.
package struct HeldVersion: ~Copyable, Sendable {
    let version: ServedVersion
    /// The index's name.
    package let index: String

    init(_ version: ServedVersion, of index: String) {
        self.version = version
        self.index = index
    }

    deinit {
        version.release()
    }

    /// Components of a query.
    package var dimension: Int { version.manifest.index.dimension }
}
