// The queries of a run: those of a file, or those the version keeps with the truth about them.
package import Catalog
import Indexer
import Recall
import ShardFile
package import TesseraBase
package import VectorCore

/// Queries, and what is known of them.
package struct QuerySelection: Sendable {
    /// `[count][dimension]`, of unit length for cosine.
    package let queries: Matrix
    /// Where queries are stored vectors: their external ids. None is an answer to itself.
    package let ownIDs: [String]?
    /// For each query its k nearest by external id, as the version keeps them; nil for queries of a file.
    package let stored: (k: Int, neighbours: [[String]])?
    /// For people.
    package let origin: String

    /// At most `most` queries, drawn by `seed` where there are more.
    ///
    /// - Parameters:
    ///   - path: a file of queries; nil for those the version keeps, or without such for vectors drawn from it.
    /// - Throws: `invalidArgument` for queries of another dimension or none at all, `notFound` where neither is there.
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
                "index '\(index.name)' keeps no queries to measure by; give a file with --queries")
        }
        var random = SeededRandom(seed: seed, stream: 0x7175_6572)
        let rows = random.sample(min(most, set.queries.rows), below: set.queries.rows)
        queries = set.queries.gathering(rows)
        ownIDs = set.ownIDs.map { ids in rows.map { ids[$0] } }
        stored = (set.k, rows.map { set.neighbours[$0] })
        origin =
            set.ownIDs == nil ? "kept with the version" : Self.fromVectors
    }

    /// Queries without a truth.
    package init(queries: Matrix, ownIDs: [String]?, origin: String) {
        self.queries = queries
        self.ownIDs = ownIDs
        self.origin = origin
        stored = nil
    }

    package static let fromFile = "drawn from the file or log given"
    package static let fromVectors = "vectors of the index, each left out of its own answer"
    package static let none = TesseraError(
        .invalidArgument, "zero queries measure nothing; give at least one")

    /// A sampled query finds itself first: that is no answer, and takes no candidate's place.
    package var extra: Int { ownIDs == nil ? 0 : 1 }

    /// The ids found for a query, without its own, at most `k`.
    package func answers(_ ids: [String], of query: Int, k: Int) -> [String] {
        let own = ownIDs?[query]
        return Array(ids.filter { $0 != own }.prefix(k))
    }
}
