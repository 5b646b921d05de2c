// Queries of a batch that are on their way at the same time: each step is taken for all of them before the next, so that
// the lists of a shard are ranked, and the codes of a list fetched, once for all queries that want them.
import VectorCore

/// Some queries at a time. Answers are those each gets alone.
///
/// The steps, in order: ``begin(_:_:_:views:shards:lists:)`` for each query, ``rank(_:views:)``, ``chooseLists(_:wanted:margin:)``,
/// ``scan(_:depth:refines:)``; then for each query ``chooseCandidates(_:)``, and either ``compareCoarsely(_:k:)`` and
/// ``compareWhole(_:k:)``, between which other queries may take theirs, or what one has to do whose rows are elsewhere, with
/// ``exchange(_:_:)``.
package struct QueryBatch: ~Copyable {
    /// What waits should leave most of the cache to the codes.
    package static let width = 32
    /// Queries between their choice of candidates and their answers at the same time, at most.
    package static let refining = 4
    let runs: UnsafeMutablePointer<QueryRun>
    /// Lend the queries what they need within a step: few, so that they stay in the nearest cache.
    let lenders: UnsafeMutablePointer<QueryRun>
    private var rankings: [CentroidRanking] = []
    var jobs: [ScanJob] = []
    var order = ScratchBuffer<UInt64>()

    package init() {
        runs = Self.makeRuns(Self.width)
        lenders = Self.makeRuns(Self.refining)
    }

    private static func makeRuns(_ count: Int) -> UnsafeMutablePointer<QueryRun> {
        let runs = UnsafeMutablePointer<QueryRun>.allocate(capacity: count)
        for index in 0..<count { (runs + index).initialize(to: QueryRun()) }
        return runs
    }

    deinit {
        for (runs, count) in [(runs, Self.width), (lenders, Self.refining)] {
            runs.deinitialize(count: count)
            runs.deallocate()
        }
        order.free()
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

    /// Chooses the lists of the first `count` queries: ``QueryRun/chooseLists(_:margin:)``.
    package mutating func chooseLists(_ count: Int, wanted: Int, margin: Float?) {
        for index in 0..<count {
            runs[index].exchangeScratch(with: &lenders[0])
            runs[index].chooseLists(wanted, margin: margin)
            runs[index].exchangeScratch(with: &lenders[0])
        }
    }

    /// A query's run.
    package subscript(index: Int) -> QueryRun { _read { yield runs[index] } }

    /// Exchanges a query with a run: what was known of either is then known of the other.
    package mutating func exchange(_ index: Int, _ run: inout QueryRun) {
        swap(&runs[index], &run)
    }
}

extension QueryRun {
    /// What a slot's lists are ranked by, valid until the next shard is offered.
    fileprivate func ranking(slot: Int) -> CentroidRanking {
        let slot = slots.base + slot
        let local = slot.pointee.local
        return CentroidRanking(
            query: local.bytes, scale: slot.pointee.view.centroids.scale * local.step,
            constant: local.constant, output: listDistances.base + slot.pointee.start)
    }

    /// Codes are packed, so that float tables are of no use once they are rounded.
    var packsTables: Bool { slotCount > 0 && slots.base[0].view.bitsPerCode == 4 }

    /// Exchanges memory whose contents are of no use after the step they are made in.
    mutating func exchangeScratch(with other: inout QueryRun) {
        swap(&minima, &other.minima)
        swap(&keys, &other.keys)
        swap(&selectedIndices, &other.selectedIndices)
        swap(&selectedValues, &other.selectedValues)
        swap(&sortedKeys, &other.sortedKeys)
        swap(&unsortedProbes, &other.unsortedProbes)
        swap(&tableScratch, &other.tableScratch)
        swap(&candidates, &other.candidates)
        swap(&askedRows, &other.askedRows)
        swap(&refineQueries, &other.refineQueries)
        swap(&storedRows, &other.storedRows)
        swap(&refineDistances, &other.refineDistances)
    }
}
