// How far queries lie from the cell nearest to them, beside queries of which that is known: what shows that people ask for
// something else than an index was made for.
package import VectorCore

extension Router {
    /// The squared Euclidean distance of each query to the centroid nearest to it. Cells are Euclidean whatever the
    /// metric, so this is what places a vector in its cell.
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

/// Distances to the nearest cell of queries that an index is known to serve, for others to be held against.
package struct CellReference: Sendable, Equatable {
    /// Squared, ascending; never empty.
    package let distances: [Float]
    /// What 95 and 99 of 100 of them do not exceed.
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
