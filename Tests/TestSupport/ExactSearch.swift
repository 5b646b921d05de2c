// The oracle: brute force in double precision, sharing no code with what it judges.
package import VectorCore

/// Exact nearest neighbours.
package enum ExactSearch {
    /// The `k` nearest rows of `base` for each row of `queries`, ties to the lower row.
    package static func nearest(_ queries: Matrix, in base: Matrix, k: Int, metric: Metric)
        -> [[Int]]
    {
        (0..<queries.rows).map { query in
            let vector = Array(queries.row(query))
            let distances = (0..<base.rows).map { row in
                distance(vector, Array(base.row(row)), metric)
            }
            let order = distances.indices.sorted { (distances[$0], $0) < (distances[$1], $1) }
            return Array(order.prefix(k))
        }
    }

    /// As ``VectorCore/Metric`` defines it for users.
    package static func distance(_ a: [Float], _ b: [Float], _ metric: Metric) -> Double {
        let pairs = zip(a, b).map { (Double($0), Double($1)) }
        switch metric {
        case .l2: return pairs.reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        case .innerProduct: return -pairs.reduce(0) { $0 + $1.0 * $1.1 }
        case .cosine:
            let dot = pairs.reduce(0) { $0 + $1.0 * $1.1 }
            let lengths = pairs.reduce((0, 0)) { ($0.0 + $1.0 * $1.0, $0.1 + $1.1 * $1.1) }
            return 1 - dot / (lengths.0.squareRoot() * lengths.1.squareRoot())
        }
    }

    /// The share of `truth` that `found` holds, over all queries.
    package static func recall(_ found: [[Int]], _ truth: [[Int]]) -> Double {
        let shared = zip(found, truth).reduce(0) { $0 + Set($1.0).intersection($1.1).count }
        return Double(shared) / Double(truth.reduce(0) { $0 + $1.count })
    }
}
