// The global partition, from which a query chooses the shards to search.
package import VectorCore

/// One centroid per shard, in the user's dimension, and the transform that all shards share.
package struct Router: Sendable, Equatable {
    /// `[shards][dimension]`.
    package let centroids: Matrix
    package let transform: InputTransform

    package init(centroids: Matrix, transform: InputTransform) {
        self.centroids = centroids
        self.transform = transform
    }
}
