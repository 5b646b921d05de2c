// Which lists a query scans, over all shards: chosen here, since the best over all shards is not the best of each worker.
//
// It takes what opens a shard, which is small beside its codes; opened shards are kept up to a budget of bytes.
import Catalog
import ObjectStore
import Search
import SearchTypes
import ShardFile
import Synchronization
import TesseraBase
import VectorCore
import VectorIndex

/// The lists one query scans, nearest first.
struct ChosenLists: Sendable {
    /// For each list the ordinal of its shard.
    var shards: [UInt32] = []
    /// And its number in there.
    var lists: [UInt32] = []
    /// Shards the choice was among.
    var offered = 0
    /// The query in the quantizer's dimension, where that is more than padding.
    var transformed: [Float]?
}

/// Chooses lists in one version.
struct ListChooser: Sendable {
    /// Reads of shards under way at once.
    private static let concurrency = 64
    /// Centroids that are compared on the calling thread; more are worth the way to the pool. Less than a millisecond's.
    private static let centroidsHere = 1 << 15

    private let references: [ShardReference]
    private let listsPerShard: Int
    private let router: RouterIndex
    private let rotates: Bool
    private let store: any ObjectStore
    private let opened: OpenShardCache
    private let budget: Int
    private let pool: WorkPool
    private let runs: RunPool

    /// Reads the router. Throws `corrupted` where it does not fit the manifest, and what the store throws.
    init(
        _ manifest: Manifest, store: any ObjectStore, pool: WorkPool, budget: Int
    ) async throws(TesseraError) {
        let key = ObjectKind.router.key(manifest.index.router.digest)
        let router = try await store.rereadingOnce(key) { () async throws(TesseraError) in
            try RouterFile.read(try await store.get(key), name: key)
        }
        guard router.centroids.rows == manifest.index.shards.count,
            router.centroids.columns == manifest.index.dimension,
            let metric = Metric(rawValue: manifest.index.metric)
        else { throw TesseraError(.corrupted, "\(key) does not fit the manifest's shards") }
        references = manifest.index.shards
        listsPerShard = references.reduce(0) { $0 + $1.lists } / max(1, references.count)
        self.router = try await pool.run { RouterIndex(router, metric: metric) }
        if case .rotation = router.transform { rotates = true } else { rotates = false }
        self.store = store
        self.pool = pool
        self.budget = budget
        opened = OpenShardCache(budget: budget)
        runs = RunPool(limit: 2 * pool.width)
    }

    /// Opens shards before anybody asks, until the budget is used up.
    func warm() async throws(TesseraError) {
        var next = 0
        while next < references.count, opened.bytes < budget / 2 {
            let end = min(next + 4 * Self.concurrency, references.count)
            _ = try await open(Array(next..<end))
            next = end
        }
    }

    /// The lists for each row of `queries`.
    func choose(_ queries: Matrix, _ options: SearchOptions) async throws(TesseraError)
        -> [ChosenLists]
    {
        var chosen = [ChosenLists](repeating: ChosenLists(), count: queries.rows)
        var waiting = Array(0..<queries.rows)
        // Those a query waits for stay open until all are answered, however small the cache.
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
            for shard in try await open(missing.sorted()) { pinned[shard.ordinal] = shard }
        }
        return chosen
    }

    private enum Choice: Sendable {
        case chosen(ChosenLists)
        case missing([Int])
    }

    /// Chooses for those queries whose shards are open.
    private func pass(
        _ waiting: [Int], _ queries: Matrix, _ options: SearchOptions, _ pinned: [Int: OpenShard]
    ) async throws(TesseraError) -> [(query: Int, choice: Choice)] {
        let (work, overflow) = (references.count + options.probeShards * listsPerShard)
            .multipliedReportingOverflow(by: waiting.count)
        if !overflow, work <= Self.centroidsHere {
            return runs.with { run in
                waiting.map { ($0, choose(queries.row($0), options, pinned, &run)) }
            }
        }
        let lanes = min(pool.width, waiting.count)
        let portions = (0..<lanes).map { lane in
            waiting[lane * waiting.count / lanes..<(lane + 1) * waiting.count / lanes]
        }
        let made = try await pool.map(portions) { portion throws(TesseraError) in
            try await pool.run { () throws(TesseraError) in
                runs.with { run in
                    portion.map { query in
                        (query: query, choice: choose(queries.row(query), options, pinned, &run))
                    }
                }
            }
        }
        return made.flatMap { $0 }
    }

    private func choose(
        _ query: ArraySlice<Float>, _ options: SearchOptions, _ pinned: [Int: OpenShard],
        _ run: inout QueryRun
    ) -> Choice {
        run.begin(query, router.router.transform, metric: router.metric)
        run.route(router, wanted: options.probeShards, lists: options.likelyLists)
        let offered = (0..<run.offeredCount).map { run.offeredShard($0) }
        var shards: [OpenShard] = []
        var missing: [Int] = []
        for ordinal in offered {
            if let shard = pinned[ordinal] ?? opened[ordinal] {
                shards.append(shard)
            } else {
                missing.append(ordinal)
            }
        }
        guard missing.isEmpty else { return .missing(missing) }
        // The run points into the shards' models.
        return withExtendedLifetime(shards) {
            for shard in shards { run.rank(shard.model.view(ordinal: shard.ordinal)) }
            run.chooseLists(options.probeCount, margin: options.listMargin)
            var lists = ChosenLists()
            lists.offered = offered.count
            for index in 0..<run.probeCount {
                let probe = run.probe(index)
                lists.shards.append(UInt32(offered[probe.slot]))
                lists.lists.append(UInt32(probe.list))
            }
            if rotates { lists.transformed = run.transformedQuery }
            return .chosen(lists)
        }
    }

    private func open(_ ordinals: [Int]) async throws(TesseraError) -> [OpenShard] {
        try await mapConcurrently(ordinals, width: Self.concurrency) {
            ordinal async throws(TesseraError) in
            if let shard = opened[ordinal] { return shard }
            let reference = references[ordinal]
            let key = ObjectKind.shard.key(reference.digest)
            let shard = try await store.rereadingOnce(key) { () async throws(TesseraError) in
                let tail = try await store.storedPart(key, reference.open.range)
                return try await pool.run { () throws(TesseraError) in
                    try OpenShard(tail: tail, key: key, ordinal: ordinal)
                }
            }
            try check(shard, reference)
            opened.insert(shard)
            return shard
        }
    }

    /// Throws `corrupted` unless the shard fits the manifest and the router.
    private func check(_ shard: OpenShard, _ reference: ShardReference) throws(TesseraError) {
        try shard.head.check(
            metric: router.metric, dimension: router.router.centroids.columns,
            paddedDimension: router.router.transform.outputDimension,
            vectors: reference.vectors, lists: reference.lists)
    }
}

/// Keeps the memory of choices that have ended for those to come.
private final class RunPool: Sendable {
    /// One choice at a time holds it: it is taken out before it is used.
    private final class Box: @unchecked Sendable {
        var run = QueryRun()
    }

    private let limit: Int
    private let free = Mutex<[Box]>([])

    init(limit: Int) {
        self.limit = limit
    }

    func with<Value>(_ body: (inout QueryRun) -> Value) -> Value {
        let box = free.withLock { $0.popLast() } ?? Box()
        defer {
            free.withLock { free in
                if free.count < limit { free.append(box) }
            }
        }
        return body(&box.run)
    }
}
