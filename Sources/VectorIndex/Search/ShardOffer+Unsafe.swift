// The shards that a query may probe, and the coarse distances to their lists.
import VectorCore

/// Shards on offer to the choice of lists, each in a slot.
struct ShardOffer: ~Copyable {
    var slots = ScratchBuffer<Slot>()
    private(set) var slotCount = 0
    /// `[slots][paddedDimension]`: the query relative to each shard's origin.
    var shiftedQueries = ScratchBuffer<Float>()
    /// `[slots][words * 4]`: the same in bytes.
    var byteQueries = ScratchBuffer<UInt8>()
    /// Coarse distances to the lists of all slots, each slot's padded to whole groups of 16.
    var listDistances = ScratchBuffer<Float>()
    var listEnd = 0
    /// Ordinals of the shards that the router offers, nearest first.
    var ordinals = ScratchBuffer<UInt32>()
    var ordinalCount = 0

    mutating func clear() {
        slotCount = 0
        listEnd = 0
        ordinalCount = 0
    }

    /// Offers a shard; its coarse distances are not computed yet.
    mutating func add(_ view: ShardView, _ form: borrowing QueryForm) {
        let padded = form.paddedDimension
        let words = 4 * view.centroids.block.words
        slots.reserve(slotCount + 1, keeping: slotCount)
        growQueries(to: slotCount + 1, padded: padded)
        listDistances.reserve(listEnd + view.centroids.padded, keeping: listEnd)
        let local = LocalQuery(
            form.transformed.base, view.centroids, metric: form.metric,
            shifted: shiftedQueries.base + slotCount * padded,
            bytes: byteQueries.base + slotCount * words)
        slots.base[slotCount] = Slot(view: view, local: local, start: listEnd)
        slotCount += 1
        listEnd += view.centroids.padded
    }

    /// Makes room for the queries of `count` slots. Slots hold pointers into it, so they are moved.
    private mutating func growQueries(to count: Int, padded: Int) {
        let words = (padded + 3) / 4 * 4
        guard count * padded > shiftedQueries.capacity || count * words > byteQueries.capacity
        else { return }
        let room = max(16, 2 * count)
        shiftedQueries.reserve(room * padded, keeping: slotCount * padded)
        byteQueries.reserve(room * words, keeping: slotCount * words)
        for slot in 0..<slotCount {
            slots.base[slot].local.move(
                shifted: shiftedQueries.base + slot * padded,
                bytes: byteQueries.base + slot * words)
        }
    }

    /// Appends the distances to a set of the router's centroids.
    mutating func compare(_ set: CentroidView, _ form: borrowing QueryForm) {
        listDistances.reserve(listEnd + set.padded, keeping: listEnd)
        LocalQuery(
            form.vector.base, set, metric: form.metric, shifted: shiftedQueries.base,
            bytes: byteQueries.base
        ).rank(set, into: listDistances.base + listEnd)
        listEnd += set.padded
    }

    /// Selects the nearest lists, in the order they lie in; returns how many there are.
    ///
    /// - Parameter margin: see ``Routed/chooseLists(_:margin:_:)``.
    mutating func nearestLists(
        _ wanted: Int, margin: Float? = nil, metric: Metric, _ selection: inout Selection
    ) -> Int {
        var limit = Float.greatestFiniteMagnitude
        if let margin, slotCount > 0, !metric.isInnerProduct {
            let nearest = SearchKernels.least(listDistances.base, count: listEnd)
            limit = min(
                limit, nearest + margin * (max(0, nearest) + slots.base[0].view.spread))
        } else {
            limit = selection.bound(listDistances.base, count: listEnd, wanted: wanted)
        }
        return selection.selectSmallest(
            wanted, of: listDistances.base, count: listEnd, within: limit)
    }
}

/// A shard on offer and what the query knows about it.
struct Slot: BitwiseCopyable {
    let view: ShardView
    var local: LocalQuery
    /// Index of its first list in the distances of all slots.
    let start: Int
    /// Offset of its look-up tables; -1 until its first list is scanned.
    var tables = -1
    var scan: ListScan?
    var tableOffset: Float = 0
    var tableStep: Float = 0
    /// Rows that count, one bit a row; nil: all do.
    var rows: UnsafePointer<UInt64>?
    /// Offset of the query in the form its refine rows need; -1 until one is compared.
    var rerankQuery = -1
    var rerankConstant: Float = 0
    var coarseConstant: Float = 0

    var isTouched: Bool { tables >= 0 }
}

/// A list to scan.
struct Probe: BitwiseCopyable {
    let slot: Int
    let list: Int
    /// The coarse distance: the part of the distance that all vectors of the list share.
    let distance: Float
}
