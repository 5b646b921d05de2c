// Distances from queries to their nearest shard centroid, compared with a reference sample, to
// detect query drift.
package import VectorCore

extension Router {
    /// The squared Euclidean distance of each query to its nearest shard centroid. Vectors are
    /// assigned to cells by Euclidean distance whatever the metric.
    ///
    /// - Parameter queries: `[count][dimension]`, of unit length for cosine.
    /// - Complexity: O(count x shards x dimension).
    package func cellDistances(_ queries: Matrix) -> [Float] {
        precondition(queries.columns == centroids.columns, "queries have the index's dimension")
        let width = centroids.columns
        let centres = centroids.elements.span
        return (0..<queries.rows).map { row in
            let query = queries.row(row)
            return (0..<centroids.rows).reduce(Float.infinity) { nearest, cell in
                let centre = centres.extracting(cell * width..<(cell + 1) * width)
                return min(nearest, Kernels.squaredDistance(query.span, centre))
            }
        }
    }
}

/// Distances to the nearest shard centroid of a reference sample of queries, which others are
/// compared with.
package struct CellReference: Sendable, Equatable {
    /// Squared, ascending; never empty.
    package let distances: [Float]
    /// The 95th and 99th percentile.
    package let percentile95: Float
    package let percentile99: Float

    /// - Precondition: at least one distance.
    package init(distances: [Float]) {
        precondition(!distances.isEmpty, "a reference has a query")
        let sorted = distances.sorted()
        self.distances = sorted
        func percentile(_ hundredths: Int) -> Float {
            sorted[max(0, (hundredths * sorted.count + 99) / 100 - 1)]
        }
        percentile95 = percentile(95)
        percentile99 = percentile(99)
    }
}
