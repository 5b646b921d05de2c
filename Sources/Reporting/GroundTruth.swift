// Exact neighbours to compare answers with, by external id. Ties at the k-th distance are all
// included.

/// Exact neighbours of the first queries of a selection.
package struct GroundTruth: Sendable, Equatable, Codable {
    /// What the exact neighbours were computed from.
    package enum Source: String, Sendable, Codable {
        /// The original vectors.
        case vectors
        /// The query set stored with the version, computed during training from the original
        /// vectors.
        case stored
        /// The refine tier, whose values are rounded.
        case refine

        package var words: String {
            switch self {
            case .vectors: "the vectors given"
            case .stored: "the neighbours stored with the version"
            case .refine: "the refine tier, which rounds"
            }
        }
    }

    /// Number of queries covered, counted from the first.
    package var queries: Int
    /// Neighbours by k.
    package var levels: [Int: Level]

    /// Neighbours at one depth.
    package struct Level: Sendable, Equatable, Codable {
        package var source: Source
        /// Ids by query, `[queries]`: the k nearest, and all others at the k-th distance.
        package var neighbours: [[String]]

        package init(source: Source, neighbours: [[String]]) {
            self.source = source
            self.neighbours = neighbours
        }
    }

    package init(queries: Int, levels: [Int: Level]) {
        self.queries = queries
        self.levels = levels
    }

    /// The share of its `k` nearest that a query's answers hold. Of equally distant neighbours any
    /// counts.
    package func share(_ answers: [String], of query: Int, k: Int) -> Double? {
        guard query < queries, let truth = levels[k]?.neighbours[query], !truth.isEmpty else {
            return nil
        }
        let near = Set(truth)
        return Double(answers.prefix(k).count { near.contains($0) }) / Double(min(k, near.count))
    }
}
