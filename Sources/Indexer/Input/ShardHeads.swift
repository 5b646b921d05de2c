// Opened shards of a source: a few at a time, since a pass goes through them in order.
import Catalog
import ObjectStore
import ShardFile
import Synchronization
import TesseraBase
import VectorIndex

/// Opens the shards of a version and keeps the ones used last.
final class ShardHeads: Sendable {
    private static let capacity = 8

    private let index: IndexDescription
    private let store: any ObjectStore
    private let opened = Mutex<[Int: ShardHead]>([:])

    init(_ index: IndexDescription, _ store: any ObjectStore) {
        self.index = index
        self.store = store
    }

    /// Opens a shard unless it is open. Throws `corrupted` if the object is not the shard that the
    /// manifest describes.
    func head(_ ordinal: Int) async throws(TesseraError) -> ShardHead {
        if let head = opened.withLock({ $0[ordinal] }) { return head }
        let reference = index.shards[ordinal]
        let key = ObjectKind.shard.key(reference.digest)
        let head = try await store.rereadingOnce(key) {
            () async throws(TesseraError) -> ShardHead in
            let tail = try await store.storedPart(key, reference.open.range)
            let head = try ShardHead(tail: tail, name: key)
            guard head.vectorCount == reference.vectors, head.dimension == index.dimension,
                head.refine.encoding.rawValue == index.refine
            else {
                throw TesseraError(.corrupted, "\(key) is not the shard the manifest describes")
            }
            return head
        }
        opened.withLock { opened in
            opened[ordinal] = head
            while opened.count > Self.capacity,
                let farthest = opened.keys.max(by: { abs($0 - ordinal) < abs($1 - ordinal) })
            {
                opened[farthest] = nil
            }
        }
        return head
    }
}
