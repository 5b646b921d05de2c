// The root of a search: routes a query and chooses its lists over all shards of a version. The best
// lists over all shards are not the best of each worker's, so they are chosen in one place.
import SearchTypes
import TesseraBase
package import VectorCore
package import VectorIndex

/// Chooses the lists of queries. Immutable.
package struct Root: Sendable {
    package let router: RouterIndex

    package init(_ router: Router, metric: Metric) {
        self.router = RouterIndex(router, metric: metric)
    }

    /// Whether queries are rotated, and not only padded, for the quantizer.
    var rotates: Bool {
        if case .rotation = router.router.transform { true } else { false }
    }

    func route(
        _ query: ArraySlice<Float>, _ options: SearchOptions, _ arena: inout QueryArena
    ) -> Routed {
        arena.route(query, router, wanted: options.probeShards, lists: options.likelyLists)
    }

    /// Chooses the lists of a query where all shards are in memory.
    ///
    /// - Parameters:
    ///   - views: of all shards, by ordinal.
    ///   - receipt: takes the times of both stages.
    func choose(
        _ query: ArraySlice<Float>, _ options: SearchOptions, views: [ShardView],
        _ arena: inout QueryArena, _ receipt: inout Receipt
    ) -> ChosenLists {
        var watch = Stopwatch()
        var routed = route(query, options, &arena)
        receipt.route = watch.lap()
        defer { receipt.chooseLists = watch.lap() }
        for index in 0..<routed.offeredCount { routed.rank(views[routed.offeredShard(index)]) }
        return routed.chooseLists(options.probeCount, margin: options.listMargin, &arena)
    }

    /// The ordinal of the shard nearest to a query.
    func nearestShard(_ query: ArraySlice<Float>, _ arena: inout QueryArena) -> Int {
        let routed = arena.route(query, router, wanted: 1, lists: 1)
        let shard = routed.offeredShard(0)
        routed.finish(&arena)
        return shard
    }
}
