// Queries of a batch that are on their way at the same time: the lists of a shard are ranked for all of them at once.
import VectorCore

/// Queries up to the choice of their lists, some at a time. Answers are those each gets alone.
package struct BatchRanking: ~Copyable {
    /// What waits should leave most of the cache to the codes.
    package static let width = 32
    private let runs: UnsafeMutablePointer<QueryRun>
    private var rankings: [CentroidRanking] = []

    package init() {
        runs = UnsafeMutablePointer.allocate(capacity: Self.width)
        for index in 0..<Self.width { (runs + index).initialize(to: QueryRun()) }
    }

    deinit {
        runs.deinitialize(count: Self.width)
        runs.deallocate()
    }

    /// Begins a query and offers it the shards the router picks.
    ///
    /// - Parameter views: of all shards, by ordinal.
    package mutating func begin(
        _ index: Int, _ query: ArraySlice<Float>, _ router: RouterIndex, views: [ShardView],
        shards: Int, lists: Int
    ) {
        precondition(index < Self.width, "a place of the batch")
        runs[index].begin(query, router.router.transform, metric: router.metric)
        runs[index].route(router, wanted: shards, lists: lists)
        for shard in 0..<runs[index].offeredCount {
            runs[index].offer(views[runs[index].offeredShard(shard)])
        }
    }

    /// Ranks what the first `count` queries were offered.
    package mutating func rank(_ count: Int, views: [ShardView]) {
        var offers: [UInt64] = []
        for index in 0..<count {
            for slot in 0..<runs[index].slotCount {
                let ordinal = runs[index].ordinal(slot: slot)
                offers.append(UInt64(ordinal) << 32 | UInt64(index) << 16 | UInt64(slot))
            }
        }
        offers.sort()
        var first = 0
        while first < offers.count {
            let ordinal = offers[first] >> 32
            rankings.removeAll(keepingCapacity: true)
            while first < offers.count, offers[first] >> 32 == ordinal {
                let (index, slot) = (Int(offers[first] >> 16 & 0xFFFF), Int(offers[first] & 0xFFFF))
                rankings.append(runs[index].ranking(slot: slot))
                first += 1
            }
            SearchKernels.rank(views[Int(ordinal)].centroids.block, rankings)
        }
    }

    /// The nearest list of a query's nearest shard, for an order in which neighbours follow one another.
    package mutating func nearestList(_ index: Int) -> Int { runs[index].nearestListOfFirst() }

    /// Hands a ranked query over: the next step of `run` is ``QueryRun/chooseLists(_:margin:)``.
    package mutating func take(_ index: Int, into run: inout QueryRun) {
        run.takeRanked(from: &runs[index])
    }
}

extension QueryRun {
    /// What a slot's lists are ranked by, valid until the next shard is offered.
    func ranking(slot: Int) -> CentroidRanking {
        let slot = slots.base + slot
        let local = slot.pointee.local
        return CentroidRanking(
            query: local.bytes, scale: slot.pointee.view.centroids.scale * local.step,
            constant: local.constant, output: listDistances.base + slot.pointee.start)
    }

    fileprivate mutating func nearestListOfFirst() -> Int {
        guard slotCount > 0 else { return 0 }
        let count = slots.base[0].view.centroids.padded
        let nearest = SearchKernels.least(listDistances.base, count: count)
        return select(listDistances.base, count: count, within: nearest) > 0
            ? Int(selectedIndices.base[0]) : 0
    }

    /// Takes over what is known of a query whose lists are ranked; the other gets this one's memory for it.
    fileprivate mutating func takeRanked(from other: inout QueryRun) {
        metric = other.metric
        dimension = other.dimension
        paddedDimension = other.paddedDimension
        slotCount = other.slotCount
        listEnd = other.listEnd
        offeredCount = other.offeredCount
        probeCount = 0
        swap(&query, &other.query)
        swap(&transformed, &other.transformed)
        swap(&slots, &other.slots)
        swap(&shiftedQueries, &other.shiftedQueries)
        swap(&byteQueries, &other.byteQueries)
        swap(&listDistances, &other.listDistances)
        swap(&offered, &other.offered)
    }
}
