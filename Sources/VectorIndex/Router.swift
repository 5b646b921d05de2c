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
}
