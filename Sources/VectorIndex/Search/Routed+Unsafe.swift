// The first stage of a query: the shards that it may probe.
import VectorCore

/// A query and the shards on offer to it. Owns its memory until ``chooseLists(_:margin:_:)`` or
/// ``take(_:)`` consumes it.
package struct Routed: ~Copyable {
    let query: Lease<QueryMemory>

    /// Shards that the router offers.
    package var offeredCount: Int { query.memory.pointee.offer.ordinalCount }

    /// Ordinal of a shard that the router offers, nearest first.
    package func offeredShard(_ index: Int) -> Int {
        precondition(index >= 0 && index < offeredCount, "no such shard was offered")
        return Int(query.memory.pointee.offer.ordinals.base[index])
    }

    /// Shards whose lists may be chosen.
    package var slotCount: Int { query.memory.pointee.offer.slotCount }

    /// Offers a shard whose lists are given, or ranked later for several queries at once
    /// (``RoutedBatch/rank(views:)``). Its slot is the number of shards offered before.
    ///
    /// The views of all shards must stay valid until the query ends.
    package mutating func offer(_ view: ShardView) {
        query.memory.pointee.offer.add(view, query.memory.pointee.form)
    }

    /// Offers a shard and ranks its lists by products of bytes.
    package mutating func rank(_ view: ShardView) {
        offer(view)
        let slot = query.memory.pointee.offer.slots.base + (slotCount - 1)
        slot.pointee.local.rank(
            view.centroids,
            into: query.memory.pointee.offer.listDistances.base + slot.pointee.start)
    }

    /// Chooses the `wanted` nearest lists over all shards on offer.
    ///
    /// How many lists hold neighbours differs from query to query, and a margin finds as many
    /// neighbours in half the codes (docs/search-notes.md). Chen et al., "SPANN" (NeurIPS 2021),
    /// 3.3, prune by a ratio of distances; that would leave a query that hits a centroid with one
    /// list.
    ///
    /// - Parameter margin: leaves out lists that are farther than the nearest by more than this
    ///   times the sum of its distance and the spread of vectors about their list (all squared).
    ///   Unused for the inner product, whose scale is another.
    package consuming func chooseLists(
        _ wanted: Int, margin: Float?, _ arena: inout QueryArena
    ) -> ChosenLists {
        let memory = query.memory
        let metric = memory.pointee.form.metric
        let chosen = memory.pointee.offer.nearestLists(
            wanted, margin: margin, metric: metric, &arena.step.selection)
        memory.pointee.probes.reserve(chosen)
        arena.step.probes.reserve(chosen)
        arena.step.selection.keys.reserve(chosen)
        let unsorted = arena.step.probes.base
        let keys = arena.step.selection.keys.base
        let (slots, slotCount) = (memory.pointee.offer.slots.base, slotCount)
        // The few chosen lists get their exact distance, which every vector's distance starts from.
        var slot = 0
        for index in 0..<chosen {
            let place = Int(arena.step.selection.indices.base[index])
            while slot + 1 < slotCount, slots[slot + 1].start <= place { slot += 1 }
            let here = slots + slot
            let list = place - here.pointee.start
            let distance = here.pointee.view.centroids.distance(here.pointee.local, centroid: list)
            SearchKernels.prefetch(here.pointee.view.lists + list, 1)
            unsorted[index] = Probe(slot: slot, list: list, distance: distance)
            keys[index] = DistanceKey.make(distance, index)
        }
        arena.step.selection.sortKeys(chosen)
        let (probes, sorted) = (memory.pointee.probes.base, arena.step.selection.sorted.base)
        for index in 0..<chosen { probes[index] = unsorted[DistanceKey.number(sorted[index])] }
        memory.pointee.probeCount = chosen
        return ChosenLists(query: query)
    }

    /// Takes lists chosen elsewhere, to be scanned in this order.
    ///
    /// - Precondition: slots and list numbers are in range.
    package consuming func take(_ chosen: [(slot: Int, list: Int)]) -> ChosenLists {
        let memory = query.memory
        memory.pointee.probes.reserve(chosen.count)
        for (place, probe) in chosen.enumerated() {
            precondition(probe.slot >= 0 && probe.slot < slotCount, "no such shard was offered")
            let slot = memory.pointee.offer.slots.base + probe.slot
            memory.pointee.probes.base[place] = Probe(
                slot: probe.slot, list: probe.list,
                distance: slot.pointee.view.centroids.distance(
                    slot.pointee.local, centroid: probe.list))
        }
        memory.pointee.probeCount = chosen.count
        return ChosenLists(query: query)
    }
}

extension Routed {
    /// Ends a query of which only the route was wanted.
    package consuming func finish(_ arena: inout QueryArena) {
        arena.queries.takeBack(query)
    }
}
