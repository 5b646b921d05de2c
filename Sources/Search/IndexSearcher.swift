// The query path in one process: route, select lists, scan codes, refine, merge, name the winners.
//
// Invariant: the answer depends on (shards, query, options) alone: a query's lists are scanned in the order of their
// distance, whoever else is searching.
package import SearchTypes
import ShardFile
package import TesseraBase
package import VectorCore
package import VectorIndex

/// Memory a searching thread uses again and again.
package struct SearchScratch: ~Copyable {
    var run = QueryRun()
    var buffer = SearchBytes()
    var batch = QueryBatch()

    package init() {}
}

/// Searches the shards of one version. Immutable; searches run on the calling thread and may run on many at once.
package struct IndexSearcher: Sendable {
    package let metric: Metric
    package let dimension: Int
    let router: RouterIndex
    /// By ordinal.
    let shards: [ResidentShard]
    /// Of the shards, by ordinal.
    let views: [ShardView]
    /// Of the shards, by ordinal; nil where they are not in memory.
    let ids: [IdView?]
    let hasRefineTier: Bool

    /// - Precondition: at least one shard, ordinals 0 to count - 1 in order, one router centroid each.
    package init(router: Router, shards: [ResidentShard]) {
        precondition(
            !shards.isEmpty && router.centroids.rows == shards.count, "one centroid a shard")
        self.shards = shards
        views = shards.map(\.view)
        ids = shards.map { $0.ids?.view }
        metric = shards[0].head.metric
        self.router = RouterIndex(router, metric: metric)
        dimension = shards[0].head.dimension
        hasRefineTier = shards.allSatisfy { $0.head.refine.encoding != .none }
    }

    /// Whether a search reads nothing: rows and ids are in memory as well.
    var isWhole: Bool { shards.allSatisfy { $0.ids != nil } }
    package var vectorCount: Int { shards.reduce(0) { $0 + $1.head.vectorCount } }
    package var listCount: Int { shards.reduce(0) { $0 + $1.head.lists.count } }
    /// Bytes of packed codes in memory.
    package var codeBytes: Int { shards.reduce(0) { $0 + $1.storage.codes.count } }
    /// Bytes of all that is kept in memory for searching: codes, models, and rows and ids where they are.
    package var heldBytes: Int { shards.reduce(router.bytes) { $0 + $1.bytes } }
    /// Bytes of everything else kept in memory for searching.
    package var modelBytes: Int {
        shards.reduce(router.bytes) { $0 + $1.open.bytes }
    }

    /// The nearest vectors to `query` (`[dimension]`; of unit length for cosine).
    ///
    /// - Throws: `corrupted` where a stored row or id block does not match its checksum, `unavailable` where the
    ///   store fails.
    package func search(
        _ query: ArraySlice<Float>, options: SearchOptions, scratch: inout SearchScratch
    ) throws(TesseraError) -> SearchAnswer {
        let start = ContinuousClock.now
        select(query, options, &scratch.run)
        return try finish(options, &scratch, since: start)
    }

    /// Searches the chosen lists of the run, which were chosen from `start` on.
    private func finish(
        _ options: SearchOptions, _ scratch: inout SearchScratch,
        since start: ContinuousClock.Instant
    ) throws(TesseraError) -> SearchAnswer {
        let selected = ContinuousClock.now
        scratch.run.beginScan(
            depth: options.candidateDepth(refines: hasRefineTier), refines: hasRefineTier)
        scratch.run.scanResident()
        let scanned = ContinuousClock.now
        var receipt = Receipt()
        receipt.route = selected - start
        receipt.scan = scanned - selected
        return try answer(options, &scratch, receipt, since: scanned)
    }

    /// Compares what the run's scans found, and names the winners.
    func answer(
        _ options: SearchOptions, _ scratch: inout SearchScratch, _ receipt: Receipt,
        since scanned: ContinuousClock.Instant
    ) throws(TesseraError) -> SearchAnswer {
        var receipt = receipt
        scratch.run.chooseCandidates()
        receipt.count(scratch.run, refines: hasRefineTier)
        try refine(options, &scratch, &receipt)
        askForIds(scratch.run)
        let refined = ContinuousClock.now
        let hits = try resolve(scratch.run.nearest, &receipt)
        receipt.refine = refined - scanned
        receipt.resolve = ContinuousClock.now - refined
        return SearchAnswer(hits: hits, receipt: receipt)
    }

    /// Chooses the lists to scan.
    func select(_ query: ArraySlice<Float>, _ options: SearchOptions, _ run: inout QueryRun) {
        run.begin(query, router.router.transform, metric: metric)
        run.route(router, wanted: options.probeShards, lists: options.likelyLists)
        for index in 0..<run.offeredCount { run.rank(views[run.offeredShard(index)]) }
        run.chooseLists(options.probeCount, margin: options.listMargin)
    }

    /// Compares the candidates by their refine rows, where there are any.
    func refine(
        _ options: SearchOptions, _ scratch: inout SearchScratch, _ receipt: inout Receipt
    ) throws(TesseraError) {
        guard hasRefineTier else { return scratch.run.unrefined(k: options.k) }
        if !scratch.run.findResidentRows() { try readRows(&scratch, &receipt) }
        scratch.run.compareCoarsely(k: options.k)
        askForPlaces(scratch.run)
        scratch.run.compareWhole(k: options.k)
    }
}

extension Receipt {
    /// Counts what a run's scans did.
    mutating func count(_ run: borrowing QueryRun, refines: Bool) {
        shardsOffered = run.slotCount
        listsScanned = run.listsScanned
        listsSkipped = run.listsSkipped
        codesScanned = run.codesScanned
        rowsRefined = refines ? run.candidateCount : 0
        shardsTouched = run.shardsTouched
    }
}
