// The exact nearest neighbours of a few hundred queries among vectors that stream by, for measuring recall.
//
// Invariant: the outcome depends on the vectors that were shown, not on their order or grouping.
package import VectorCore

/// Collects the nearest of all vectors it is shown, by brute force. A value: one a thread, merged at the end.
package struct ExactNeighbours: Sendable {
    /// Vectors as far as the k-th nearest are as right as it; beyond this many nobody asks, unless more are wanted.
    package static let usualDepth = 32
    /// Rows that stay in the innermost cache while all queries pass over them.
    private static let blockBytes = 24 << 10

    private let queries: Matrix
    private let ownIDs: [UInt64]?
    private let metric: Metric
    private let depth: Int
    private var nearest: [TopCandidates]

    /// - Parameters:
    ///   - queries: `[count][dimension]`, of unit length for cosine.
    ///   - ownIDs: where queries are stored vectors themselves, their ids: they are no neighbours of their own.
    ///   - depth: neighbours that are collected for each query.
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

    /// Shows rows of `vectors` (`[rows][dimension]`), each with its id; nil leaves a row out.
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

    /// Adds what another has seen.
    package mutating func merge(_ other: ExactNeighbours) {
        for query in nearest.indices {
            var seen = other.nearest[query]
            for candidate in seen.sorted() { nearest[query].offer(candidate) }
        }
    }

    /// For each query the ids of its `k` nearest and of those exactly as far as the k-th, nearest first.
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
