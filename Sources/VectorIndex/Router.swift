// The global partition: which shards a query should look into.
package import VectorCore

/// One centroid a shard, in the user's dimension, and the transform all shards share.
package struct Router: Sendable, Equatable {
    /// `[shards][dimension]`.
    package let centroids: Matrix
    package let transform: InputTransform

    package init(centroids: Matrix, transform: InputTransform) {
        self.centroids = centroids
        self.transform = transform
    }

    /// The `count` nearest shards, nearest first; ties to the lower ordinal.
    ///
    /// O(shards x dimension).
    package func nearest(_ query: ArraySlice<Float>, metric: Metric, count: Int) -> [Int] {
        guard count < centroids.rows else { return Array(0..<centroids.rows) }
        var top = TopCandidates(capacity: count)
        for shard in 0..<centroids.rows {
            let centroid = centroids.row(shard)
            let distance =
                metric == .innerProduct
                ? -Kernels.dot(query.span, centroid.span)
                : Kernels.squaredDistance(query.span, centroid.span)
            top.offer(Candidate(distance: distance, id: UInt64(shard)))
        }
        return top.sorted().map { Int($0.id) }
    }
}
