// The queries of a run: read from a file, or stored with the version together with their exact
// neighbours.
package import Catalog
import Indexer
import Recall
import ShardFile
package import TesseraBase
package import VectorCore

/// Queries, and what is known about them.
package struct QuerySelection: Sendable {
    /// The queries, `[count][dimension]`, of unit length for cosine.
    package let queries: Matrix
    /// External ids of the queries if they are stored vectors. A query is left out of its own
    /// answer.
    package let ownIDs: [String]?
    /// The k nearest of each query by external id, as stored with the version; nil for queries of a
    /// file.
    package let stored: (k: Int, neighbours: [[String]])?
    /// Where the queries come from, for the report.
    package let origin: String

    /// Selects at most `most` queries, drawn with `seed` if there are more.
    ///
    /// - Parameters:
    ///   - path: a file of queries; nil for those stored with the version, or else vectors drawn
    ///     from it.
    /// - Throws: `invalidArgument` for queries of another dimension or an empty selection,
    ///   `notFound` if there are neither.
    package init(
        path: String?, of index: IndexDescription, in catalog: Catalog, most: Int, seed: UInt64
    ) async throws(TesseraError) {
        guard most > 0 else { throw Self.none }
        if let path {
            queries = try QuerySetBuilder.read(
                path, most: most, dimension: index.dimension,
                metric: Metric(rawValue: index.metric) ?? .l2, seed: seed)
            (ownIDs, stored) = (nil, nil)
            origin = Self.fromFile
            return
        }
        let tuner = IndexTuner(
            catalog, pool: WorkPool(width: 1), scratchFolder: "", progress: { _ in })
        guard let set = try await tuner.queries(of: index) else {
            throw TesseraError(
                .notFound,
                "index '\(index.name)' has no stored queries to measure with; give a file with --queries"
            )
        }
        var random = SeededRandom(seed: seed, stream: 0x7175_6572)
        let rows = random.sample(min(most, set.queries.rows), below: set.queries.rows)
        queries = set.queries.gathering(rows)
        ownIDs = set.ownIDs.map { ids in rows.map { ids[$0] } }
        stored = (set.k, rows.map { set.neighbours[$0] })
        origin =
            set.ownIDs == nil ? "kept with the version" : Self.fromVectors
    }

    /// Queries without known neighbours.
    package init(queries: Matrix, ownIDs: [String]?, origin: String) {
        self.queries = queries
        self.ownIDs = ownIDs
        self.origin = origin
        stored = nil
    }

    package static let fromFile = "drawn from the file or log given"
    package static let fromVectors = "vectors of the index, each left out of its own answer"
    package static let none = TesseraError(
        .invalidArgument, "there must be at least one query")

    /// Extra results to ask for: a query that is a stored vector finds itself first, which is not
    /// counted.
    package var extra: Int { ownIDs == nil ? 0 : 1 }

    /// The ids found for a query without its own, at most `k`.
    package func answers(_ ids: [String], of query: Int, k: Int) -> [String] {
        let own = ownIDs?[query]
        return Array(ids.filter { $0 != own }.prefix(k))
    }
}
