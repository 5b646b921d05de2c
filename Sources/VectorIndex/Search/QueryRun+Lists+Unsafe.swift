// Ranking the lists of the shards on offer, and choosing the best over all of them.
import VectorCore

extension QueryRun {
    /// Offers a shard: its lists are ranked by products of bytes.
    package mutating func rank(_ view: ShardView) {
        let padded = paddedDimension
        let words = 4 * view.centroids.block.words
        slots.reserve(slotCount + 1, keeping: slotCount)
        growQueries(to: slotCount + 1)
        listDistances.reserve(listEnd + view.centroids.padded, keeping: listEnd)
        let local = LocalQuery(
            transformed.base, view.centroids, metric: metric,
            shifted: shiftedQueries.base + slotCount * padded,
            bytes: byteQueries.base + slotCount * words)
        local.rank(view.centroids, into: listDistances.base + listEnd)
        slots.base[slotCount] = Slot(view: view, local: local, start: listEnd)
        slotCount += 1
        listEnd += view.centroids.padded
    }

    /// Room for the queries of `count` slots. Slots hold pointers into it, so that those before move with it.
    mutating func growQueries(to count: Int) {
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
    package mutating func chooseLists(_ wanted: Int) {
        let chosen = nearestLists(wanted)
        probes.reserve(chosen)
        centroidScratch.reserve(paddedDimension + 4)
        // The few that are left get their exact distance, which every vector's distance starts from.
        selectedIndices.reserve(chosen)
        for index in 0..<chosen {
            selectedIndices.base[index] = UInt32(DistanceKey.number(keys.base[index]))
        }
        for index in 0..<chosen {
            let place = Int(selectedIndices.base[index])
            let slot = slots.base + self.slot(ofList: place)
            let distance = slot.pointee.view.centroids.distance(
                slot.pointee.local, centroid: place - slot.pointee.start,
                scratch: centroidScratch.base)
            keys.base[index] = DistanceKey.make(distance, place)
        }
        KeySelection.sort(keys.base, chosen)
        for index in 0..<chosen {
            let place = DistanceKey.number(keys.base[index])
            let slot = slot(ofList: place)
            probes.base[index] = Probe(
                slot: slot, list: place - (slots.base + slot).pointee.start,
                distance: DistanceKey.distance(keys.base[index]))
        }
        probeCount = chosen
    }

    /// The keys of the nearest lists, in no order, at the front of `keys`; returns how many there are.
    mutating func nearestLists(_ wanted: Int) -> Int {
        selectedIndices.reserve(listEnd + 16)
        selectedValues.reserve(listEnd + 16)
        keys.reserve(listEnd)
        let count = SearchKernels.selectBelow(
            listDistances.base, count: listEnd, threshold: bound(wanted),
            indices: selectedIndices.base, selected: selectedValues.base)
        for index in 0..<count {
            keys.base[index] = DistanceKey.make(
                selectedValues.base[index], Int(selectedIndices.base[index]))
        }
        guard count > wanted else { return count }
        KeySelection.select(keys.base, count, wanted: wanted)
        return wanted
    }

    /// A distance that at least `wanted` lists are within: the wanted-th smallest of the minima of groups of 16, each
    /// of which is a list of its own.
    private mutating func bound(_ wanted: Int) -> Float {
        let groups = listEnd / 16
        guard groups >= wanted else { return .greatestFiniteMagnitude }
        minima.reserve(groups)
        keys.reserve(groups)
        SearchKernels.groupMinima(listDistances.base, groups: groups, into: minima.base)
        for group in 0..<groups { keys.base[group] = DistanceKey.make(minima.base[group], group) }
        KeySelection.select(keys.base, groups, wanted: wanted)
        var largest = keys.base[0]
        for index in 1..<max(1, wanted) { largest = max(largest, keys.base[index]) }
        return DistanceKey.distance(largest)
    }

    private func slot(ofList place: Int) -> Int {
        var slot = slotCount - 1
        while (slots.base + slot).pointee.start > place { slot -= 1 }
        return slot
    }

    /// The shard and list of a chosen list.
    package func probe(_ index: Int) -> (slot: Int, list: Int) {
        precondition(index >= 0 && index < probeCount, "no such list was chosen")
        return (probes.base[index].slot, probes.base[index].list)
    }

    /// The ordinal of the shard in a slot.
    package func ordinal(slot: Int) -> Int {
        precondition(slot >= 0 && slot < slotCount, "no such shard was offered")
        return slots.base[slot].view.ordinal
    }
}

extension QueryRun {
    /// Shards a chosen list lies in.
    package var shardsTouched: Int {
        var touched = 0
        for slot in 0..<slotCount where slots.base[slot].isTouched { touched += 1 }
        return touched
    }
}
