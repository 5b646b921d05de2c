// Ranking the lists of the shards on offer, and choosing the best over all of them.
import VectorCore

extension QueryRun {
    /// Offers a shard: its lists are ranked by products of bytes.
    package mutating func rank(_ view: ShardView) {
        offer(view)
        let slot = slots.base + (slotCount - 1)
        slot.pointee.local.rank(
            view.centroids, into: listDistances.base + slot.pointee.start)
    }

    /// Offers a shard whose lists are ranked later, for several queries at once (``BatchRanking``), or not at all; returns its slot.
    @discardableResult
    package mutating func offer(_ view: ShardView) -> Int {
        let padded = paddedDimension
        let words = 4 * view.centroids.block.words
        slots.reserve(slotCount + 1, keeping: slotCount)
        growQueries(to: slotCount + 1)
        listDistances.reserve(listEnd + view.centroids.padded, keeping: listEnd)
        let local = LocalQuery(
            transformed.base, view.centroids, metric: metric,
            shifted: shiftedQueries.base + slotCount * padded,
            bytes: byteQueries.base + slotCount * words)
        slots.base[slotCount] = Slot(view: view, local: local, start: listEnd)
        slotCount += 1
        listEnd += view.centroids.padded
        return slotCount - 1
    }

    /// Room for the queries of `count` slots. Slots hold pointers into it, so that those before move with it.
    private mutating func growQueries(to count: Int) {
        let words = (paddedDimension + 3) / 4 * 4
        guard
            count * paddedDimension > shiftedQueries.capacity
                || count * words > byteQueries.capacity
        else { return }
        let room = max(16, 2 * count)
        shiftedQueries.reserve(room * paddedDimension, keeping: slotCount * paddedDimension)
        byteQueries.reserve(room * words, keeping: slotCount * words)
        for slot in 0..<slotCount {
            slots.base[slot].local.move(
                shifted: shiftedQueries.base + slot * paddedDimension,
                bytes: byteQueries.base + slot * words)
        }
    }

    /// Chooses the `wanted` nearest lists over all shards on offer.
    ///
    /// How many lists hold neighbours differs from query to query, and a margin finds as many neighbours in half the codes
    /// (docs/search-path.md). Chen et al., "SPANN" (NeurIPS 2021), 3.3, prune by a ratio of distances; that would leave a query that
    /// hits a centroid with one list.
    ///
    /// - Parameter margin: leaves out lists that are farther than the nearest by more than this times the sum of its distance and
    ///   the spread of vectors about their list (squared, all of them). Not for the inner product, whose scale is another.
    package mutating func chooseLists(_ wanted: Int, margin: Float?) {
        let chosen = nearestLists(wanted, margin: margin)
        probes.reserve(chosen)
        unsortedProbes.reserve(chosen)
        keys.reserve(chosen)
        // The few that are left get their exact distance, which every vector's distance starts from.
        var slot = 0
        for index in 0..<chosen {
            let place = Int(selectedIndices.base[index])
            while slot + 1 < slotCount, slots.base[slot + 1].start <= place { slot += 1 }
            let here = slots.base + slot
            let list = place - here.pointee.start
            let distance = here.pointee.view.centroids.distance(here.pointee.local, centroid: list)
            SearchKernels.prefetch(here.pointee.view.lists + list, 1)
            unsortedProbes.base[index] = Probe(slot: slot, list: list, distance: distance)
            keys.base[index] = DistanceKey.make(distance, index)
        }
        sortKeys(chosen)
        for index in 0..<chosen {
            probes.base[index] = unsortedProbes.base[DistanceKey.number(sortedKeys.base[index])]
        }
        probeCount = chosen
    }

    /// Selects the nearest lists, in the order they lie in; returns how many there are.
    ///
    /// - Parameter margin: see ``chooseLists(_:margin:)``.
    mutating func nearestLists(_ wanted: Int, margin: Float? = nil) -> Int {
        var limit = Float.greatestFiniteMagnitude
        if let margin, slotCount > 0, !metric.isInnerProduct {
            let nearest = SearchKernels.least(listDistances.base, count: listEnd)
            limit = min(
                limit, nearest + margin * (max(0, nearest) + slots.base[0].view.spread))
        } else {
            limit = bound(wanted)
        }
        return selectSmallest(wanted, of: listDistances.base, count: listEnd, within: limit)
    }

    /// Selects the values of at most `limit`; returns how many.
    mutating func select(_ values: UnsafePointer<Float>, count: Int, within limit: Float) -> Int {
        selectedIndices.reserve(count + 16)
        selectedValues.reserve(count + 16)
        return SearchKernels.selectBelow(
            values, count: count, threshold: limit, indices: selectedIndices.base,
            selected: selectedValues.base)
    }

    /// Selects the `wanted` smallest of the values of at most `limit`, in the order they lie in; returns how many there are.
    mutating func selectSmallest(
        _ wanted: Int, of values: UnsafePointer<Float>, count: Int, within limit: Float,
        ties: TieOrder = .index
    ) -> Int {
        let within = select(values, count: count, within: limit)
        guard within > wanted, wanted > 0 else { return min(within, wanted) }
        let last = SearchKernels.smallest(selectedValues.base, count: within, place: wanted)
        // Selecting once more costs less than a pass over what is selected.
        let kept = select(values, count: count, within: last)
        return kept > wanted ? dropEqual(last, kept, excess: kept - wanted, ties) : kept
    }

    /// Drops `excess` of those that equal `last`: the last by their ties' order.
    private mutating func dropEqual(
        _ last: Float, _ count: Int, excess: Int, _ ties: TieOrder
    ) -> Int {
        keys.reserve(count)
        var equal = 0
        for index in 0..<count where selectedValues.base[index] == last {
            keys.base[equal] = place(Int(selectedIndices.base[index]), ties)
            equal += 1
        }
        sortKeys(equal)
        let limit = sortedKeys.base[equal - excess - 1]
        var kept = 0
        for index in 0..<count {
            let value = selectedValues.base[index]
            let number = selectedIndices.base[index]
            if value == last, place(Int(number), ties) > limit { continue }
            selectedIndices.base[kept] = number
            selectedValues.base[kept] = value
            kept += 1
        }
        return kept
    }

    /// What a selected value's number stands for, in the order of ties.
    private func place(_ index: Int, _ ties: TieOrder) -> UInt64 {
        switch ties {
        case .index: UInt64(index)
        case .found: foundPlace(index)
        case .candidates: candidate(index).rawValue
        }
    }

    /// Keys of what is selected, in ascending order in ``sortedKeys``; the numbers are the indices.
    mutating func sortSelected(_ count: Int) {
        keys.reserve(count)
        for index in 0..<count {
            keys.base[index] = DistanceKey.make(
                selectedValues.base[index], Int(selectedIndices.base[index]))
        }
        sortKeys(count)
    }

    /// Brings the first `count` keys in ascending order into ``sortedKeys``.
    mutating func sortKeys(_ count: Int) {
        sortedKeys.reserve(count)
        guard count > Self.mostCompared else {
            return SearchKernels.sort(keys.base, count: count, wanted: count, into: sortedKeys.base)
        }
        sortedKeys.base.update(from: keys.base, count: count)
        KeySelection.sort(sortedKeys.base, count)
    }

    /// Comparing each with each pays for this many.
    private static var mostCompared: Int { 192 }

    /// A distance that at least `wanted` lists are within: the wanted-th smallest of the minima of groups of 16, each
    /// of which is a list of its own.
    private mutating func bound(_ wanted: Int) -> Float {
        let groups = listEnd / 16
        guard groups >= wanted, wanted > 0 else { return .greatestFiniteMagnitude }
        minima.reserve(groups)
        SearchKernels.groupMinima(listDistances.base, groups: groups, into: minima.base)
        // The centroids that fill up a group are infinitely far.
        return min(
            .greatestFiniteMagnitude,
            SearchKernels.smallest(minima.base, count: groups, place: wanted))
    }

    /// The shard and list of a chosen list.
    package func probe(_ index: Int) -> (slot: Int, list: Int) {
        precondition(index >= 0 && index < probeCount, "no such list was chosen")
        return (probes.base[index].slot, probes.base[index].list)
    }

    /// The distance of the query to the centroid of a chosen list: squared, or minus the inner product.
    package func distance(probe index: Int) -> Float {
        precondition(index >= 0 && index < probeCount, "no such list was chosen")
        return probes.base[index].distance
    }

    /// The ordinal of the shard in a slot.
    package func ordinal(slot: Int) -> Int {
        precondition(slot >= 0 && slot < slotCount, "no such shard was offered")
        return slots.base[slot].view.ordinal
    }
}

/// Which of equal values come first.
enum TieOrder {
    /// Those with the lower index.
    case index
    /// Vectors found by scans, and candidates: those in the lower place, whatever the order they were found in.
    case found, candidates
}

extension QueryRun {
    /// Shards a chosen list lies in.
    package var shardsTouched: Int {
        var touched = 0
        for slot in 0..<slotCount where slots.base[slot].isTouched { touched += 1 }
        return touched
    }
}
