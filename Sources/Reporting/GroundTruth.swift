// Exact neighbours to hold answers against, by external id: for each k those as near as the k-th, ties and all.

/// The truth about the first queries of a selection.
package struct GroundTruth: Sendable, Equatable, Codable {
    /// What the exact neighbours were computed from.
    package enum Source: String, Sendable, Codable {
        /// The vectors as they were given.
        case vectors
        /// The query set that the version keeps, made while its vectors streamed by.
        case stored
        /// The refine tier, which rounds.
        case refine

        package var words: String {
            switch self {
            case .vectors: "the vectors given"
            case .stored: "the truth the version keeps"
            case .refine: "the refine tier, which rounds"
            }
        }
    }

    /// Queries that are covered: the first so many.
    package var queries: Int
    /// By k.
    package var levels: [Int: Level]

    package struct Level: Sendable, Equatable, Codable {
        package var source: Source
        /// `[queries]`, the k nearest and those exactly as far as the k-th.
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

    /// The share of its `k` nearest that a query's answers hold; whichever of equally far ones were found.
    package func share(_ answers: [String], of query: Int, k: Int) -> Double? {
        guard query < queries, let truth = levels[k]?.neighbours[query], !truth.isEmpty else {
            return nil
        }
        let near = Set(truth)
        return Double(answers.prefix(k).count { near.contains($0) }) / Double(min(k, near.count))
    }
}
