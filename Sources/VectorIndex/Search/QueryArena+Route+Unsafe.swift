// How a query begins: it is routed to the nearest shards, or its shards are given.
package import VectorCore

extension QueryArena {
    /// Groups looked into offer at least this many times the shards wanted, and this share of all:
    /// a group's middle says little about its rim. docs/search-notes.md has what smaller shares
    /// missed.
    private static let groupReserve = 8
    private static let groupShare = 4
    /// Shards offered at any distance.
    private static let leastShards = 3

    /// A shard whose centroid is more than this times as far (squared) as the nearest one's is not
    /// offered. More lists may lie farther off: of the neighbours in 24, 48 and 96 lists of 24
    /// shards, 0.0002, 0.001 and 0.001 lie in shards left out.
    private static func farthestShard(lists: Int) -> Float { 1.3 + Float(lists) / 160 }

    /// Begins a query whose shards are given: offer them by ``Routed/offer(_:)``.
    ///
    /// - Parameters:
    ///   - query: `[dimension]`, as given.
    ///   - transformed: `[paddedDimension]`; nil where the query is only padded.
    package mutating func begin(
        _ query: ArraySlice<Float>, transformed: ArraySlice<Float>?, paddedDimension: Int,
        metric: Metric
    ) -> Routed {
        let lease = queries.lend()
        lease.memory.pointee.form.take(
            query, transformed: transformed, padded: paddedDimension, metric: metric)
        lease.memory.pointee.offer.clear()
        return Routed(query: lease)
    }

    /// Begins a query (`[dimension]`) and finds the `wanted` nearest shards for it, nearest first.
    ///
    /// - Parameter lists: how many lists are likely to be scanned.
    package mutating func route(
        _ query: ArraySlice<Float>, _ index: RouterIndex, wanted: Int, lists: Int
    ) -> Routed {
        let lease = queries.lend()
        let memory = lease.memory
        memory.pointee.form.take(query, index.router.transform, metric: index.metric)
        let (dimension, padded) = (
            memory.pointee.form.dimension, memory.pointee.form.paddedDimension
        )
        memory.pointee.offer.clear()
        let router = index.view
        let count = min(wanted, router.shardCount)
        memory.pointee.offer.shiftedQueries.reserve(max(16 * padded, dimension))
        memory.pointee.offer.byteQueries.reserve(max(16 * (padded + 3), dimension + 3))
        memory.pointee.offer.ordinals.reserve(router.shardCount)
        let groups = nearestGroups(router, memory)
        let farthest =
            count < router.shardCount && !index.metric.isInnerProduct
            ? Self.farthestShard(lists: lists) : .infinity
        memory.pointee.offer.ordinalCount = chooseShards(
            router, memory, groups: groups, wanted: count, farthest: farthest)
        memory.pointee.offer.listEnd = 0
        return Routed(query: lease)
    }

    /// Brings the groups of a two-level router into the offered ordinals, nearest first; returns
    /// how many there are.
    private mutating func nearestGroups(
        _ router: RouterView, _ memory: UnsafeMutablePointer<QueryMemory>
    ) -> Int {
        guard let set = router.groups else {
            memory.pointee.offer.ordinals.base[0] = 0
            return 1
        }
        memory.pointee.offer.compare(set, memory.pointee.form)
        let groups = memory.pointee.offer.nearestLists(
            set.padded, metric: router.metric, &step.selection)
        step.selection.sortSelected(groups)
        for place in 0..<groups {
            memory.pointee.offer.ordinals.base[place] = UInt32(
                DistanceKey.number(step.selection.sorted.base[place]))
        }
        return groups
    }

    /// Compares the query with the shards of the nearest groups, and offers the best.
    private mutating func chooseShards(
        _ router: RouterView, _ memory: UnsafeMutablePointer<QueryMemory>, groups: Int, wanted: Int,
        farthest: Float
    ) -> Int {
        memory.pointee.offer.listEnd = 0
        var visited = 0
        var members = 0
        memory.pointee.probes.reserve(groups)
        let (visits, ordinals) = (memory.pointee.probes.base, memory.pointee.offer.ordinals.base)
        let enough = max(Self.groupReserve * wanted, router.shardCount / Self.groupShare)
        while visited < groups, visited == 0 || members < enough {
            let group = Int(ordinals[visited])
            visits[visited] = Probe(
                slot: memory.pointee.offer.listEnd, list: group, distance: 0)
            memory.pointee.offer.compare(router.members[group], memory.pointee.form)
            members += router.starts[group + 1] - router.starts[group]
            visited += 1
        }
        let count = memory.pointee.offer.nearestLists(
            wanted, metric: router.metric, &step.selection)
        step.selection.sortSelected(count)
        let sorted = step.selection.sorted.base
        for index in 0..<count {
            if index >= Self.leastShards,
                DistanceKey.distance(sorted[index]) > farthest * DistanceKey.distance(sorted[0])
            {
                return index
            }
            let place = DistanceKey.number(sorted[index])
            var visit = visited - 1
            while visits[visit].slot > place { visit -= 1 }
            let probe = visits[visit]
            ordinals[index] = router.ordinals[router.starts[probe.list] + place - probe.slot]
        }
        return count
    }
}
