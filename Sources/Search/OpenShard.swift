// An opened shard: everything needed to route and choose lists, without codes, rows and ids.
package import ShardFile
package import TesseraBase
import VectorCore
package import VectorIndex

/// One opened shard. Immutable.
package struct OpenShard: Sendable {
    package let ordinal: Int
    package let head: ShardHead
    package let model: SearchModel

    /// Opens a shard from the bytes of its `open` range. Throws `corrupted` if anything does not
    /// match.
    package init(tail: [UInt8], key: String, ordinal: Int) throws(TesseraError) {
        head = try ShardHead(tail: tail, name: key)
        self.ordinal = ordinal
        let start = head.lists[0].codes.lowerBound
        model = SearchModel(
            head.model, metric: head.metric, refine: head.refine, dimension: head.dimension,
            lists: head.lists.map { entry in
                ListPlace(
                    offset: Int(entry.codes.lowerBound - start), count: entry.count,
                    firstRow: entry.firstRow, biasOffset: entry.biasOffset, biasStep: entry.biasStep
                )
            })
    }

    private init(_ shard: OpenShard, ordinal: Int) {
        self.ordinal = ordinal
        head = shard.head
        model = shard.model
    }

    /// The same shard as part of another version.
    package func placed(at ordinal: Int) -> OpenShard { OpenShard(self, ordinal: ordinal) }

    /// Bytes of memory this takes: centroids, codebooks and directory, in stored and in search
    /// layout.
    package var bytes: Int {
        let shape = head.model.shape
        let lists = head.lists.count
        return model.bytes + 4 * shape.paddedDimension * shape.centroidCount
            + lists * (shape.paddedDimension + MemoryLayout<ListEntry>.stride)
            + (head.vectorCount / IDBlock.capacity + lists) * 16
    }
}
