// Choosing lists where shards are not all in memory: those that the router offers are opened first.
import Catalog
package import SearchTypes
import ShardFile
package import TesseraBase
package import VectorCore
import VectorIndex

/// The lists that one query scans, nearest first.
package struct ListChoice: Sendable {
    /// For each list the ordinal of its shard.
    package var shards: [UInt32] = []
    /// For each list its number in its shard.
    package var lists: [UInt32] = []
    /// Shards that the choice was among.
    package var offered = 0
    /// The query in the quantizer's dimension, where that is more than padding.
    package var transformed: [Float]?
    /// Time that routing took.
    package var route = Duration.zero
    /// The coarse distance of the nearest list.
    var nearest = Float.infinity
    /// The shards, opened; kept while the lists are scanned.
    var opened: [Int: OpenShard] = [:]
}

/// Chooses lists over the shards of a source.
package struct ListChooser: Sendable {
    /// Up to this many centroid comparisons (under 1 ms) run on the calling thread; more go to the
    /// pool.
    private static let centroidsHere = 1 << 15

    package let root: Root
    private let source: ShardSource
    private let listsPerShard: Int
    private let pool: WorkPool
    private let scratch: ScratchPool

    /// Reads the router. Throws `corrupted` where it does not fit the manifest.
    package init(_ source: ShardSource, pool: WorkPool) async throws(TesseraError) {
        let objects = source.objects
        let router = try await objects.router()
        root = try await pool.run { Root(router, metric: objects.metric) }
        self.source = source
        self.pool = pool
        let shards = objects.index.shards
        listsPerShard = shards.reduce(0) { $0 + $1.lists } / max(1, shards.count)
        scratch = ScratchPool(limit: 2 * pool.width)
    }

    /// Bytes of the router and of the shards open now.
    package var bytes: Int { root.router.bytes + source.openBytes }

    /// Opens shards ahead of the first query.
    package func warm() async throws(TesseraError) { try await source.warm() }

    /// The lists for each row of `queries`, and what reading cost.
    package func choose(
        _ queries: Matrix, _ options: SearchOptions, _ receipt: inout Receipt
    ) async throws(TesseraError) -> [ListChoice] {
        var chosen = [ListChoice](repeating: ListChoice(), count: queries.rows)
        var waiting = Array(0..<queries.rows)
        // Shards that a query waits for stay open until all are answered, however small the cache.
        var pinned: [Int: OpenShard] = [:]
        while !waiting.isEmpty {
            let outcome = try await pass(waiting, queries, options, pinned)
            var missing: Set<Int> = []
            waiting = []
            for (query, choice) in outcome {
                switch choice {
                case .chosen(let lists): chosen[query] = lists
                case .missing(let ordinals):
                    waiting.append(query)
                    missing.formUnion(ordinals)
                }
            }
            for shard in try await source.open(missing.sorted(), &receipt) {
                pinned[shard.ordinal] = shard
            }
        }
        return chosen
    }

    private enum Choice: Sendable {
        case chosen(ListChoice)
        case missing([Int])
    }

    /// Chooses for those queries whose shards are open.
    private func pass(
        _ waiting: [Int], _ queries: Matrix, _ options: SearchOptions, _ pinned: [Int: OpenShard]
    ) async throws(TesseraError) -> [(query: Int, choice: Choice)] {
        let (work, overflow) = (source.objects.shardCount + options.probeShards * listsPerShard)
            .multipliedReportingOverflow(by: waiting.count)
        if !overflow, work <= Self.centroidsHere {
            return try choose(waiting[...], queries, options, pinned)
        }
        let lanes = min(pool.width, waiting.count)
        let portions = (0..<lanes).map { lane in
            waiting[lane * waiting.count / lanes..<(lane + 1) * waiting.count / lanes]
        }
        let made = try await pool.map(portions) { portion throws(TesseraError) in
            try await pool.run { () throws(TesseraError) in
                try choose(portion, queries, options, pinned)
            }
        }
        return made.flatMap { $0 }
    }

    private func choose(
        _ rows: ArraySlice<Int>, _ queries: Matrix, _ options: SearchOptions,
        _ pinned: [Int: OpenShard]
    ) throws(TesseraError) -> [(query: Int, choice: Choice)] {
        try scratch.with { scratch in
            rows.map { ($0, choose(queries.row($0), options, pinned, &scratch.arena)) }
        }
    }

    private func choose(
        _ query: ArraySlice<Float>, _ options: SearchOptions, _ pinned: [Int: OpenShard],
        _ arena: inout QueryArena
    ) -> Choice {
        let watch = Stopwatch()
        var routed = root.route(query, options, &arena)
        let routing = watch.elapsed
        let offered = (0..<routed.offeredCount).map { routed.offeredShard($0) }
        let held = source.held(offered)
        var shards: [Int: OpenShard] = [:]
        for ordinal in offered {
            shards[ordinal] = pinned[ordinal] ?? source.openAtHand(ordinal, held)
        }
        guard shards.count == offered.count else {
            routed.finish(&arena)
            return .missing(offered.filter { shards[$0] == nil })
        }
        // The stages point into the shards' models.
        defer { withExtendedLifetime((shards, held)) {} }
        for ordinal in offered {
            if let shard = shards[ordinal] { routed.rank(shard.model.view(ordinal: ordinal)) }
        }
        let chosen = routed.chooseLists(options.probeCount, margin: options.listMargin, &arena)
        var choice = ListChoice(offered: offered.count, route: routing)
        for index in 0..<chosen.count {
            let (_, shard, list) = chosen[index]
            choice.shards.append(UInt32(shard))
            choice.lists.append(UInt32(list))
            choice.opened[shard] = shards[shard]
        }
        if chosen.count > 0 { choice.nearest = chosen.distance(0) }
        if root.rotates { choice.transformed = chosen.transformedQuery }
        chosen.finish(&arena)
        return .chosen(choice)
    }

    /// The distance of a query to the centroid of the list nearest to it, as its search would
    /// choose it, and the vectors of that list. Reads what opens shards, and no codes.
    package func nearestList(
        to query: [Float], probeShards: Int
    ) async throws(TesseraError) -> (distance: Float, vectors: Int) {
        // The choice goes by rounded distances: the nearest list is among few.
        let options = SearchOptions(
            k: 1, probeCount: 4, listMargin: nil, refineDepth: 0, probeShards: probeShards)
        var receipt = Receipt()
        let choice = try await choose(
            Matrix(rows: 1, columns: query.count, elements: query), options, &receipt)[0]
        guard let shard = choice.shards.first, let list = choice.lists.first else {
            return (.infinity, 0)
        }
        let vectors = choice.opened[Int(shard)]?.head.lists[Int(list)].count
        return (choice.nearest, vectors ?? 0)
    }
}
