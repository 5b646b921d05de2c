// A search that holds nothing in memory but the router: three dependent round trips a query, whatever the size of the
// index. First what opens the shards the router offers, then the lists worth scanning, then the rows and ids of the
// candidates, which lie together.
package import Catalog
import ObjectStore
import ShardFile
package import TesseraBase
package import VectorCore
import VectorIndex

/// Searches one version straight from its store. The answers are those of ``IndexSearcher``.
package struct ColdSearcher: Sendable {
    package let metric: Metric
    private let references: [ShardReference]
    private let selection: ListSelection
    private let hasRefineTier: Bool
    private let reads: ColdReads
    private let opened: OpenShardCache
    private let pool: WorkPool

    /// Reads the router.
    ///
    /// - Parameters:
    ///   - memoryBudget: bytes read ahead of their use, and as many again for opened shards.
    package init(
        _ manifest: Manifest, from catalog: Catalog, pool: WorkPool,
        memoryBudget: Int = 256 << 20
    ) async throws(TesseraError) {
        let key = ObjectKind.router.key(manifest.index.router.digest)
        let router = try RouterFile.read(try await catalog.store.get(key), name: key)
        guard router.centroids.rows == manifest.index.shards.count,
            router.centroids.columns == manifest.index.dimension,
            let metric = Metric(rawValue: manifest.index.metric)
        else { throw TesseraError(.corrupted, "\(key) does not fit the manifest's shards") }
        self.metric = metric
        references = manifest.index.shards
        selection = ListSelection(router: router, metric: metric)
        hasRefineTier = manifest.index.refine != RefineEncoding.none.rawValue
        reads = ColdReads(store: catalog.store, memoryBudget: UInt64(memoryBudget))
        opened = OpenShardCache(budget: memoryBudget)
        self.pool = pool
    }

    /// Bytes of the router and of the shards open now.
    package var modelBytes: Int { 4 * selection.router.centroids.elements.count + opened.bytes }

    /// The nearest vectors to `query` (`[dimension]`; of unit length for cosine).
    package func search(_ query: [Float], options: SearchOptions) async throws(TesseraError)
        -> SearchAnswer
    {
        var receipt = Receipt()
        let clock = ContinuousClock()
        let start = clock.now
        let offered = try await pool.run { [selection] in
            selection.offered(query[...], options)
        }
        receipt.shardsOffered = offered.count
        let shards = try await open(offered, &receipt)
        let probes = try await pool.run { [selection] in
            selection.probes(query[...], in: shards, options)
        }
        let selected = clock.now
        let heads = Dictionary(uniqueKeysWithValues: shards.map { ($0.ordinal, $0.head) })
        let candidates = try await scan(probes, heads, options, &receipt)
        let scanned = clock.now
        let hits = try await refine(query, candidates, heads, options, &receipt)
        receipt.route = selected - start
        receipt.scan = scanned - selected
        receipt.refine = clock.now - scanned
        return SearchAnswer(hits: hits, receipt: receipt)
    }

    /// The named shards, opened; those not yet open are read together.
    private func open(_ ordinals: [Int], _ receipt: inout Receipt) async throws(TesseraError)
        -> [OpenShard]
    {
        var shards: [Int: OpenShard] = [:]
        for ordinal in ordinals { shards[ordinal] = opened[ordinal] }
        let missing = ordinals.filter { shards[$0] == nil }
        if !missing.isEmpty {
            let wanted = missing.map { WantedRange(key: key($0), range: references[$0].open.range) }
            var fresh: [OpenShard] = []
            try await reads.forEach(wanted, &receipt) { index, bytes async throws(TesseraError) in
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
        let router = selection.router
        guard shard.head.metric == metric, shard.head.dimension == router.centroids.columns,
            shard.head.vectorCount == references[shard.ordinal].vectors,
            shard.head.model.shape.paddedDimension == router.transform.outputDimension
        else {
            throw TesseraError(
                .corrupted, "\(shard.head.name) is not the shard the manifest describes")
        }
    }

    private func scan(
        _ probes: [Probe], _ heads: [Int: ShardHead], _ options: SearchOptions,
        _ receipt: inout Receipt
    ) async throws(TesseraError) -> [Candidate] {
        let listed = probes.compactMap { probe in
            heads[probe.shard].flatMap { head in
                head.lists[probe.list].count > 0 ? (probe: probe, head: head) : nil
            }
        }
        let wanted = listed.map { item in
            WantedRange(key: item.head.name, range: item.head.lists[item.probe.list].codes)
        }
        var scan = CandidateScan(depth: options.candidateDepth(refines: hasRefineTier))
        var scratch = SearchScratch()
        var cost = receipt
        try await reads.forEach(wanted, &receipt) { index, bytes async throws(TesseraError) in
            let (probe, head) = listed[index]
            try head.check(codes: bytes, of: probe.list)
            let codes = Array(bytes)
            scan.scan(probe, head, codes: codes, range: 0..<codes.count, &scratch, &cost)
        }
        receipt.shardsTouched = cost.shardsTouched
        receipt.listsScanned = cost.listsScanned
        receipt.codesScanned = cost.codesScanned
        return scan.finish()
    }

    /// Refines the candidates and names the winners, in one round trip: a row and its id lie together.
    private func refine(
        _ query: [Float], _ candidates: [Candidate], _ heads: [Int: ShardHead],
        _ options: SearchOptions, _ receipt: inout Receipt
    ) async throws(TesseraError) -> [Hit] {
        var pieces: [Piece] = []
        var wanted: [WantedRange] = []
        var blocks: [IDBlockKey: IDPlace] = [:]
        for candidate in candidates {
            let place = NumericID(rawValue: candidate.id)
            guard let head = heads[place.shard] else { continue }
            if let range = head.refineRange(row: place.row) {
                pieces.append(.row(candidate, head))
                wanted.append(WantedRange(key: head.name, range: range))
            }
            let idPlace = head.idPlace(row: place.row)
            let key = IDBlockKey(shard: place.shard, offset: idPlace.range.lowerBound)
            if blocks.updateValue(idPlace, forKey: key) == nil {
                pieces.append(.ids(key, idPlace, head))
                wanted.append(WantedRange(key: head.name, range: idPlace.range))
            }
        }
        var refinement = ColdRefinement(query: query, metric: metric, k: options.k)
        if !hasRefineTier { refinement.accept(candidates) }
        try await reads.forEach(wanted, &receipt) { index, bytes async throws(TesseraError) in
            switch pieces[index] {
            case .row(let candidate, let head): try refinement.offer(candidate, head, bytes)
            case .ids(let key, let place, let head):
                try head.check(idBlock: bytes, at: place)
                refinement.keep(Array(bytes), key)
            }
        }
        receipt.rowsRefined = hasRefineTier ? candidates.count : 0
        return try refinement.hits(heads)
    }

    private enum Piece {
        case row(Candidate, ShardHead)
        case ids(IDBlockKey, IDPlace, ShardHead)
    }

    private func key(_ ordinal: Int) -> ObjectKey {
        ObjectKind.shard.key(references[ordinal].digest)
    }
}
