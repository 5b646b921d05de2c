// A search that holds nothing in memory but the router: three dependent round trips a query, whatever the size of the
// index. First what opens the shards the router offers, then the lists worth scanning, then the rows and ids of the
// candidates, which lie together.
package import Catalog
import ObjectStore
package import SearchProtocol
import ShardFile
package import TesseraBase
package import VectorCore
import VectorIndex

/// A run that goes on from thread to thread, but never on two at once: each step is awaited before the next.
private final class ColdRun: @unchecked Sendable {
    var run = QueryRun()
}

/// Searches one version straight from its store. The answers are those of ``IndexSearcher``.
package struct ColdSearcher: Sendable {
    package let metric: Metric
    private let references: [ShardReference]
    private let router: RouterIndex
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
        self.router = RouterIndex(router, metric: metric)
        hasRefineTier = manifest.index.refine != RefineEncoding.none.rawValue
        reads = ColdReads(store: catalog.store, memoryBudget: UInt64(memoryBudget))
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
            search.run.route(router, wanted: options.probeShards, lists: options.probeCount)
            return (0..<search.run.offeredCount).map { search.run.offeredShard($0) }
        }
        // The run points into the shards' models.
        let shards = try await open(offered, &receipt)
        defer { withExtendedLifetime(shards) {} }
        try await pool.run {
            for shard in shards { search.run.rank(shard.model.view(ordinal: shard.ordinal)) }
            search.run.chooseLists(options.probeCount)
        }
        let selected = clock.now
        let heads = Dictionary(uniqueKeysWithValues: shards.map { ($0.ordinal, $0.head) })
        try await scan(search, heads, options, &receipt)
        let scanned = clock.now
        let hits = try await refine(search, heads, options, &receipt)
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
        let router = router.router
        guard shard.head.metric == metric, shard.head.dimension == router.centroids.columns,
            shard.head.vectorCount == references[shard.ordinal].vectors,
            shard.head.model.shape.paddedDimension == router.transform.outputDimension
        else {
            throw TesseraError(
                .corrupted, "\(shard.head.name) is not the shard the manifest describes")
        }
    }

    /// Brings the chosen lists and scans them, nearest first; as many at a time as the memory budget holds.
    private func scan(
        _ search: ColdRun, _ heads: [Int: ShardHead], _ options: SearchOptions,
        _ receipt: inout Receipt
    ) async throws(TesseraError) {
        search.run.beginScan(
            depth: options.candidateDepth(refines: hasRefineTier), refines: hasRefineTier)
        var first = 0
        while first < search.run.probeCount {
            var portion: [ListRead] = []
            var size: UInt64 = 0
            while first < search.run.probeCount, let read = ListRead(search, first, heads),
                portion.isEmpty || size + UInt64(read.wanted.range.count) <= reads.memoryBudget
            {
                if !read.wanted.range.isEmpty { portion.append(read) }
                size += UInt64(read.wanted.range.count)
                first += 1
            }
            try await scan(search, portion, &receipt)
        }
        let cost = receipt
        receipt.count(search.run, refines: hasRefineTier)
        receipt.reads = cost.reads
        try await pool.run { search.run.chooseCandidates() }
    }

    private func scan(_ search: ColdRun, _ portion: [ListRead], _ receipt: inout Receipt)
        async throws(TesseraError)
    {
        var codes = [[UInt8]](repeating: [], count: portion.count)
        try await reads.forEach(portion.map(\.wanted), &receipt) {
            index, bytes async throws(TesseraError) in
            try portion[index].head.check(codes: bytes, of: portion[index].list)
            codes[index] = Array(bytes)
        }
        let brought = codes
        try await pool.run {
            for (read, codes) in zip(portion, brought) {
                search.run.scan(read.probe, codes: codes.span)
            }
        }
    }

    /// A chosen list and where it is.
    private struct ListRead: Sendable {
        let probe: Int
        let list: Int
        let head: ShardHead
        let wanted: WantedRange

        init?(_ search: ColdRun, _ probe: Int, _ heads: [Int: ShardHead]) {
            let place = search.run.probe(probe)
            guard let head = heads[search.run.ordinal(slot: place.slot)] else { return nil }
            self.probe = probe
            list = place.list
            self.head = head
            wanted = WantedRange(key: head.name, range: head.lists[place.list].codes)
        }
    }

    /// Refines the candidates and names the winners, in one round trip: a row and its id lie together.
    private func refine(
        _ search: ColdRun, _ heads: [Int: ShardHead], _ options: SearchOptions,
        _ receipt: inout Receipt
    ) async throws(TesseraError) -> [Hit] {
        var pieces: [Piece] = []
        var wanted: [WantedRange] = []
        var blocks: [IDBlockKey: [UInt8]] = [:]
        for number in 0..<search.run.candidateCount {
            let place = search.run.candidate(number)
            guard let head = heads[place.shard] else { continue }
            if number == 0 { search.run.expectRows(of: head.refine.encoding) }
            if let range = head.refineRange(row: place.row) {
                pieces.append(.row(number, place.row, head))
                wanted.append(WantedRange(key: head.name, range: range))
            }
            let idPlace = head.idPlace(row: place.row)
            let key = IDBlockKey(shard: place.shard, offset: idPlace.range.lowerBound)
            if blocks.updateValue([], forKey: key) == nil {
                pieces.append(.ids(key, idPlace, head))
                wanted.append(WantedRange(key: head.name, range: idPlace.range))
            }
        }
        try await reads.forEach(wanted, &receipt) { index, bytes async throws(TesseraError) in
            switch pieces[index] {
            case .row(let number, let row, let head):
                search.run.store(try head.refineRow(bytes, row: row), candidate: number)
            case .ids(let key, let place, let head):
                try head.check(idBlock: bytes, at: place)
                blocks[key] = Array(bytes)
            }
        }
        try await pool.run { [hasRefineTier] in
            if hasRefineTier {
                search.run.refine(k: options.k)
            } else {
                search.run.unrefined(k: options.k)
            }
        }
        return try hits(search.run.nearest, heads, blocks)
    }

    /// The winners with their ids, nearest first.
    private func hits(
        _ nearest: [Candidate], _ heads: [Int: ShardHead], _ blocks: [IDBlockKey: [UInt8]]
    ) throws(TesseraError) -> [Hit] {
        var hits: [Hit] = []
        for candidate in nearest {
            let place = NumericID(rawValue: candidate.id)
            guard let head = heads[place.shard] else { continue }
            let idPlace = head.idPlace(row: place.row)
            let key = IDBlockKey(shard: place.shard, offset: idPlace.range.lowerBound)
            let id = try head.id(blocks[key] ?? [], at: idPlace)
            hits.append(Hit(id: id, distance: metric.reported(candidate.distance), place: place))
        }
        return hits
    }

    private enum Piece {
        case row(Int, Int, ShardHead)
        case ids(IDBlockKey, IDPlace, ShardHead)
    }

    /// An id block of a shard.
    private struct IDBlockKey: Hashable {
        let shard: Int
        let offset: UInt64
    }

    private func key(_ ordinal: Int) -> ObjectKey {
        ObjectKind.shard.key(references[ordinal].digest)
    }
}
