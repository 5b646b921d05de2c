// The exact nearest neighbours of a few hundred queries among a stream of vectors, for measuring
// recall.
//
// Invariant: the result depends on which vectors were added, not on their order or grouping.
package import VectorCore

/// Collects the nearest of all vectors added, by brute force. A value: each thread has one, and
/// they are merged at the end.
package struct ExactNeighbours: Sendable {
    /// Default number of neighbours kept per query. It leaves room for ties: vectors as far as the
    /// k-th neighbour are equally correct.
    package static let usualDepth = 32
    /// Bytes of rows that stay in the L1 cache while all queries are compared with them.
    private static let blockBytes = 24 << 10

    private let queries: Matrix
    private let ownIDs: [UInt64]?
    private let metric: Metric
    private let depth: Int
    private var nearest: [TopCandidates]

    /// - Parameters:
    ///   - queries: `[count][dimension]`, of unit length for cosine.
    ///   - ownIDs: ids of the queries where they are stored vectors; each is excluded from its own
    ///     neighbours.
    ///   - depth: neighbours collected per query.
    package init(
        queries: Matrix, ownIDs: [UInt64]?, metric: Metric,
        depth: Int = ExactNeighbours.usualDepth
    ) {
        precondition(depth > 0, "some neighbours are collected")
        self.depth = depth
        precondition(ownIDs.map { $0.count == queries.rows } ?? true, "one id a query")
        self.queries = queries
        self.ownIDs = ownIDs
        self.metric = metric
        nearest = [TopCandidates](
            repeating: TopCandidates(capacity: depth), count: queries.rows)
    }

    /// Adds rows of `vectors` (`[rows][dimension]`). `id` gives each row's id, or nil to skip the
    /// row.
    ///
    /// - Complexity: O(rows x queries x dimension).
    package mutating func add(_ vectors: Matrix, id: (Int) -> UInt64?) {
        let block = max(1, Self.blockBytes / (4 * vectors.columns))
        let ids = (0..<vectors.rows).map(id)
        for first in stride(from: 0, to: vectors.rows, by: block) {
            let rows = first..<min(first + block, vectors.rows)
            for query in 0..<queries.rows { offer(rows, of: vectors, ids, to: query) }
        }
    }

    /// Adds the vectors that another value has collected.
    package mutating func merge(_ other: ExactNeighbours) {
        for query in nearest.indices {
            var seen = other.nearest[query]
            for candidate in seen.sorted() { nearest[query].offer(candidate) }
        }
    }

    /// For each query the ids of its `k` nearest and of those tied with the k-th, nearest first.
    package func neighbours(_ k: Int) -> [[UInt64]] {
        precondition((1...depth).contains(k), "k is 1 to \(depth)")
        return nearest.map { top in
            var top = top
            let sorted = top.sorted()
            guard sorted.count > k else { return sorted.map(\.id) }
            return sorted.prefix { $0.distance <= sorted[k - 1].distance }.map(\.id)
        }
    }

    private mutating func offer(
        _ rows: Range<Int>, of vectors: Matrix, _ ids: [UInt64?], to query: Int
    ) {
        let width = vectors.columns
        let query = (number: query, own: ownIDs?[query], vector: queries.row(query))
        let elements = vectors.elements.span
        for row in rows {
            guard let id = ids[row], id != query.own else { continue }
            let vector = elements.extracting(row * width..<(row + 1) * width)
            let distance =
                metric == .innerProduct
                ? -Kernels.dot(query.vector.span, vector)
                : Kernels.squaredDistance(query.vector.span, vector)
            nearest[query.number].offer(Candidate(distance: distance, id: id))
        }
    }
}
