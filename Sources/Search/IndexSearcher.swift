// Searching a version whose codes are all in memory: a root and a leaf on the calling thread.
package import SearchTypes
import ShardFile
package import TesseraBase
package import VectorCore
package import VectorIndex

/// The shards of a version whose codes are all in memory, by ordinal.
struct WholeVersion: ShardTable {
    let shards: [ResidentShard]
    let ids: [IDView?]

    func ids(_ ordinal: Int) -> IDView? { ids[ordinal] }
    func shard(_ ordinal: Int) -> ResidentShard? { shards[ordinal] }
}

/// Searches the shards of one version. Immutable; searches run on the calling thread and may run on
/// many at once.
package struct IndexSearcher: Sendable {
    package let metric: Metric
    package let dimension: Int
    let root: Root
    let leaf: ResidentLeaf<WholeVersion>
    /// Views of the shards, by ordinal.
    let views: [ShardView]

    /// - Precondition: at least one shard, ordinals 0 to count - 1 in order, one router centroid
    ///   each.
    package init(router: Router, shards: [ResidentShard]) {
        precondition(
            !shards.isEmpty && router.centroids.rows == shards.count, "one centroid a shard")
        views = shards.map(\.view)
        metric = shards[0].head.metric
        root = Root(router, metric: metric)
        dimension = shards[0].head.dimension
        leaf = ResidentLeaf(
            table: WholeVersion(shards: shards, ids: shards.map { $0.ids?.view }), metric: metric,
            refines: shards.allSatisfy { $0.head.refine.encoding != .none })
    }

    var shards: [ResidentShard] { leaf.table.shards }
    /// Whether a search reads nothing: rows and ids are in memory as well.
    var isWhole: Bool { shards.allSatisfy { $0.ids != nil } }
    package var vectorCount: Int { shards.reduce(0) { $0 + $1.head.vectorCount } }
    package var listCount: Int { shards.reduce(0) { $0 + $1.head.lists.count } }
    /// Bytes of packed codes in memory.
    package var codeBytes: Int { shards.reduce(0) { $0 + $1.storage.codes.count } }
    /// Bytes of all that is kept in memory for searching: codes, models, and rows and ids where
    /// they are.
    package var heldBytes: Int { shards.reduce(root.router.bytes) { $0 + $1.bytes } }
    /// Bytes of everything else kept in memory for searching.
    package var modelBytes: Int { shards.reduce(root.router.bytes) { $0 + $1.open.bytes } }
}

extension IndexSearcher: LaneSearcher {
    package var engine: SearchEngine { .tessera }

    /// The nearest vectors to `query` (`[dimension]`; of unit length for cosine).
    ///
    /// - Parameter filter: rows that count; nil: all.
    /// - Throws: `corrupted` where a stored row or id block does not match its checksum,
    ///   `unavailable` where the store fails.
    package func search(
        _ query: ArraySlice<Float>, options: SearchOptions, filter: RowFilter?,
        scratch: inout SearchScratch
    ) throws(TesseraError) -> SearchAnswer {
        var receipt = Receipt()
        let chosen = root.choose(query, options, views: views, &scratch.arena, &receipt)
        return try leaf.search(chosen, options, filter: filter, &scratch, receipt).answer
    }

    /// Queries whose nearest shard is the same go together, step by step, and share what they read.
    package func search(
        _ batch: Range<Int>, of queries: Matrix, options: SearchOptions, filter: RowFilter?,
        scratch: inout SearchScratch, answered: (Int, SearchAnswer) -> Void
    ) throws(TesseraError) {
        var places: [NumericID] = []
        places.reserveCapacity(batch.count)
        for query in batch {
            SearchKernels.prefetch(queries, row: query + 2)
            let shard = root.nearestShard(queries.row(query), &scratch.arena)
            places.append(NumericID(shard: shard, row: query - batch.lowerBound))
        }
        places.sort()
        var first = 0
        while first < places.count {
            let last = min(first + RoutedBatch.width, places.count)
            let together = places[first..<last].map { batch.lowerBound + $0.row }
            try search(together, of: queries, options, filter, &scratch, answered: answered)
            first = last
        }
    }
}
