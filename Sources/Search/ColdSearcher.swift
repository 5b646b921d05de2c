// A search that need not hold anything in memory but the router: three dependent round trips a query, whatever the size of
// the index. First what opens the shards the router offers, then the lists worth scanning, then the rows and ids of the
// candidates, which lie together. Shards that are in memory all the same are searched there, and cost no reads.
package import Catalog
import ObjectStore
package import SearchTypes
import ShardFile
package import TesseraBase
package import VectorCore
import VectorIndex

/// A run that goes on from thread to thread, but never on two at once: each step is awaited before the next.
final class ColdRun: @unchecked Sendable {
    var run = QueryRun()
}

/// Shards of a version that are in memory, as a search asks for them.
protocol ShardResidents: Sendable {
    /// Those in memory now, of shards that may be searched.
    func held(_ ordinals: [Int]) -> LeasedShards
    /// Those in memory, of shards that will be searched; others may be brought there for it.
    func lease(_ ordinals: [Int]) async -> LeasedShards
}

/// Searches one version straight from its store. The answers are those of ``IndexSearcher``.
package struct ColdSearcher: Sendable {
    package let metric: Metric
    private let references: [ShardReference]
    private let router: RouterIndex
    private let lists: ListSearch
    private let opened: OpenShardCache
    private let residents: (any ShardResidents)?
    private let pool: WorkPool

    /// Reads the router.
    ///
    /// - Parameters:
    ///   - memoryBudget: bytes read ahead of their use, and as many again for opened shards.
    package init(
        _ manifest: Manifest, from catalog: Catalog, pool: WorkPool,
        memoryBudget: Int = 256 << 20
    ) async throws(TesseraError) {
        try await self.init(
            manifest, from: catalog, pool: pool, memoryBudget: memoryBudget, residents: nil)
    }

    /// - Parameter residents: the shards that are in memory, if any are.
    init(
        _ manifest: Manifest, from catalog: Catalog, pool: WorkPool, memoryBudget: Int,
        residents: (any ShardResidents)?
    ) async throws(TesseraError) {
        let router = try await VersionLoader.router(of: manifest, from: catalog)
        guard let metric = Metric(rawValue: manifest.index.metric) else {
            let key = ObjectKind.router.key(manifest.index.router.digest)
            throw TesseraError(.corrupted, "\(key) does not fit the manifest's shards")
        }
        self.metric = metric
        references = manifest.index.shards
        self.router = RouterIndex(router, metric: metric)
        lists = ListSearch(
            metric: metric, hasRefineTier: manifest.index.refine != RefineEncoding.none.rawValue,
            reads: ColdReads(store: catalog.store, memoryBudget: UInt64(memoryBudget)), pool: pool)
        self.residents = residents
        opened = OpenShardCache(budget: memoryBudget)
        self.pool = pool
    }

    /// Bytes of the router and of the shards open now.
    package var modelBytes: Int { router.bytes + opened.bytes }

    /// The nearest vectors to `query` (`[dimension]`; of unit length for cosine).
    package func search(_ query: [Float], options: SearchOptions) async throws(TesseraError)
        -> SearchAnswer
    {
        var receipt = Receipt()
        let clock = ContinuousClock()
        let start = clock.now
        let search = ColdRun()
        let offered = try await pool.run { [router] in
            search.run.begin(query[...], router.router.transform, metric: router.metric)
            search.run.route(router, wanted: options.probeShards, lists: options.likelyLists)
            return (0..<search.run.offeredCount).map { search.run.offeredShard($0) }
        }
        // The run points into the shards' models.
        let held = residents?.held(offered)
        let shards = try await open(offered, held, &receipt)
        try await pool.run {
            for shard in shards { search.run.rank(shard.model.view(ordinal: shard.ordinal)) }
            search.run.chooseLists(options.probeCount, margin: options.listMargin)
        }
        let lease = await residents?.lease(search.chosenShards)
        for shard in (lease?.shards ?? [:]).values { try check(shard.open) }
        defer { withExtendedLifetime((shards, held, lease)) {} }
        let selected = clock.now
        let touched = TouchedShards(
            heads: Dictionary(uniqueKeysWithValues: shards.map { ($0.ordinal, $0.head) }),
            residents: lease?.shards ?? [:])
        try await lists.scan(search, touched, options, &receipt)
        let scanned = clock.now
        let hits = try await lists.refine(search, touched, options, &receipt)
        receipt.route = selected - start
        receipt.scan = scanned - selected
        receipt.refine = clock.now - scanned
        return SearchAnswer(hits: hits, receipt: receipt)
    }

    /// The distance of a query to the centroid of the list nearest to it, as its search would choose it, and the vectors
    /// of that list. Reads what opens shards, and no codes.
    package func nearestList(
        to query: [Float], probeShards: Int
    ) async throws(TesseraError) -> (distance: Float, vectors: Int) {
        let search = ColdRun()
        let offered = try await pool.run { [router] in
            search.run.begin(query[...], router.router.transform, metric: router.metric)
            search.run.route(router, wanted: probeShards, lists: Self.fewLists)
            return (0..<search.run.offeredCount).map { search.run.offeredShard($0) }
        }
        var receipt = Receipt()
        // The run points into the shards' models.
        let held = residents?.held(offered)
        let shards = try await open(offered, held, &receipt)
        defer { withExtendedLifetime((shards, held)) {} }
        return try await pool.run {
            for shard in shards { search.run.rank(shard.model.view(ordinal: shard.ordinal)) }
            search.run.chooseLists(Self.fewLists, margin: nil)
            let (slot, list) = search.run.probe(0)
            let vectors = shards.first { $0.ordinal == search.run.ordinal(slot: slot) }
                .map { $0.head.lists[list].count }
            return (search.run.distance(probe: 0), vectors ?? 0)
        }
    }

    /// The choice goes by rounded distances: the nearest is among few.
    private static let fewLists = 4

    /// The named shards, opened; those not yet open are read together.
    private func open(_ ordinals: [Int], _ held: LeasedShards?, _ receipt: inout Receipt)
        async throws(TesseraError) -> [OpenShard]
    {
        var shards: [Int: OpenShard] = [:]
        for ordinal in ordinals {
            shards[ordinal] = held?.shards[ordinal]?.open ?? opened[ordinal]
            if let resident = held?.shards[ordinal] { try check(resident.open) }
        }
        let missing = ordinals.filter { shards[$0] == nil }
        if !missing.isEmpty {
            let wanted = missing.map { WantedRange(key: key($0), range: references[$0].open.range) }
            var fresh: [OpenShard] = []
            try await lists.reads.forEach(wanted, &receipt) {
                index, bytes async throws(TesseraError) in
                let tail = Array(bytes)
                let ordinal = missing[index]
                let key = key(ordinal)
                let shard = try await pool.run { () throws(TesseraError) in
                    try OpenShard(tail: tail, key: key, ordinal: ordinal)
                }
                try check(shard)
                fresh.append(shard)
            }
            for shard in fresh {
                opened.insert(shard)
                shards[shard.ordinal] = shard
            }
        }
        return ordinals.compactMap { shards[$0] }
    }

    /// Throws `corrupted` unless the shard fits the manifest and the router.
    private func check(_ shard: OpenShard) throws(TesseraError) {
        let router = router.router
        let reference = references[shard.ordinal]
        try shard.head.check(
            metric: metric, dimension: router.centroids.columns,
            paddedDimension: router.transform.outputDimension, vectors: reference.vectors,
            lists: reference.lists)
    }

    private func key(_ ordinal: Int) -> ObjectKey {
        ObjectKind.shard.key(references[ordinal].digest)
    }
}
