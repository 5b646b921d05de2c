// Queries of a batch take the same stages as one query, each step for all of them before the next,
// so that the lists of a shard are ranked, and the codes of a list fetched, once for all queries.
import VectorCore

/// Queries of a batch and the shards on offer to them: the first stage of a batch.
///
/// The stages: ``RoutedBatch`` → ``ChosenBatch`` → ``ScannedBatch``. Answers are those each query
/// gets alone.
package struct RoutedBatch: ~Copyable {
    /// More queries would take cache from the codes.
    package static let width = 32

    private var queries = StageRow<Routed>(capacity: RoutedBatch.width)
    private var count = 0

    package init() {}

    /// Begins a query and offers it the shards that the router picks.
    ///
    /// - Parameter views: of all shards, by ordinal.
    package mutating func begin(
        _ query: ArraySlice<Float>, _ router: RouterIndex, views: [ShardView], shards: Int,
        lists: Int, _ arena: inout QueryArena
    ) {
        var routed = arena.route(query, router, wanted: shards, lists: lists)
        for shard in 0..<routed.offeredCount { routed.offer(views[routed.offeredShard(shard)]) }
        queries.put(routed, at: count)
        count += 1
    }

    /// Ranks the lists of the shards on offer, each shard's for four queries at once.
    package mutating func rank(views: [ShardView], _ arena: inout QueryArena) {
        arena.batch.offers.removeAll(keepingCapacity: true)
        for index in 0..<count {
            let offer = queries[index].query.memory
            for slot in 0..<offer.pointee.offer.slotCount {
                let ordinal = offer.pointee.offer.slots.base[slot].view.ordinal
                arena.batch.offers.append(
                    UInt64(ordinal) << 32 | UInt64(index) << 16 | UInt64(slot))
            }
        }
        arena.batch.offers.sort()
        var first = 0
        while first < arena.batch.offers.count {
            let ordinal = arena.batch.offers[first] >> 32
            arena.batch.rankings.removeAll(keepingCapacity: true)
            while first < arena.batch.offers.count, arena.batch.offers[first] >> 32 == ordinal {
                let (index, slot) = (
                    Int(arena.batch.offers[first] >> 16 & 0xFFFF),
                    Int(arena.batch.offers[first] & 0xFFFF)
                )
                arena.batch.rankings.append(queries[index].ranking(slot: slot))
                first += 1
            }
            SearchKernels.rank(views[Int(ordinal)].centroids.block, arena.batch.rankings)
        }
    }

    /// Chooses the lists of each query: ``Routed/chooseLists(_:margin:_:)``.
    package consuming func chooseLists(
        _ wanted: Int, margin: Float?, _ arena: inout QueryArena
    ) -> ChosenBatch {
        var chosen = StageRow<ChosenLists>(capacity: Self.width)
        for index in 0..<count {
            chosen.put(
                queries.take(index).chooseLists(wanted, margin: margin, &arena), at: index)
        }
        return ChosenBatch(queries: chosen, count: count)
    }
}

extension Routed {
    /// What a slot's lists are ranked by, valid until the next shard is offered.
    fileprivate func ranking(slot: Int) -> CentroidRanking {
        let memory = query.memory
        let slot = memory.pointee.offer.slots.base + slot
        let local = slot.pointee.local
        return CentroidRanking(
            query: local.bytes, scale: slot.pointee.view.centroids.scale * local.step,
            constant: local.constant,
            output: memory.pointee.offer.listDistances.base + slot.pointee.start)
    }
}

/// What the steps of a batch share.
struct BatchMemory: ~Copyable {
    /// Shard, query and slot of each offer.
    var offers: [UInt64] = []
    var rankings: [CentroidRanking] = []
    var jobs: [ScanJob] = []
    var order = ScratchBuffer<UInt64>()
}

/// A list that a query scans.
struct ScanJob: BitwiseCopyable {
    let query: Int32
    let probe: Int32
    let codes: UnsafePointer<UInt8>
}
