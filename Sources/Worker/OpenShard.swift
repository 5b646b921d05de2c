// A shard opened for routing and selecting: everything but its codes, rows and ids.
package import ObjectStore
package import ShardFile
package import TesseraBase
package import VectorIndex

/// One opened shard. Immutable.
package struct OpenShard: Sendable {
    package let ordinal: Int
    package let head: ShardHead
    package let model: SearchableModel

    /// Opens a shard from exactly its `open` range. Throws `corrupted` where anything does not fit.
    package init(tail: [UInt8], key: ObjectKey, ordinal: Int) throws(TesseraError) {
        head = try ShardHead(tail: tail, name: key)
        model = SearchableModel(model: head.model, metric: head.metric)
        self.ordinal = ordinal
    }

    /// Bytes this takes in memory: centroids, codebooks and directory.
    package var bytes: Int {
        let shape = head.model.shape
        let codebooks = 2 * 4 * shape.paddedDimension * shape.centroidCount
        let lists = head.lists.count
        return codebooks + lists * (shape.paddedDimension + 4 + MemoryLayout<ListEntry>.stride)
            + (head.vectorCount / IdBlock.capacity + lists) * 16
    }
}
