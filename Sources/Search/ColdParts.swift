// Parts whose shards are not all in memory: what is missing is read from the disk or the store, list by list.
import Catalog
import ObjectStore
import SearchTypes
import ShardFile
import TesseraBase
import VectorCore
import VectorIndex

/// Searches parts in whatever tiers their shards are.
struct ColdParts: Sendable {
    /// Shards of a part opened at once.
    private static let concurrency = 16

    private let references: [ShardReference]
    private let dimension: Int
    private let padded: Int
    private let store: any ObjectStore
    private let lists: ListSearch
    private let opened: OpenShardCache
    private let pool: WorkPool

    init(
        _ manifest: Manifest, from catalog: Catalog, metric: Metric, refines: Bool, pool: WorkPool,
        budget: Int
    ) {
        references = manifest.index.shards
        dimension = manifest.index.dimension
        padded = manifest.index.paddedDimension
        store = catalog.store
        lists = ListSearch(
            metric: metric, hasRefineTier: refines,
            reads: ColdReads(store: catalog.store, memoryBudget: UInt64(budget)), pool: pool)
        opened = OpenShardCache(budget: budget)
        self.pool = pool
    }

    /// Throws `corrupted` where a shard is not what the manifest says, and what the store throws.
    func search(
        _ part: SearchPart, _ request: PartsRequest, _ index: IndexDescription,
        _ lease: LeasedShards
    ) async throws(TesseraError) -> PartAnswer {
        let trace = ReadTrace()
        let result = await ReadTrace.$current.withValue(trace) {
            () async -> Result<PartAnswer, TesseraError> in
            do throws(TesseraError) {
                return .success(try await scan(part, request, index, lease))
            } catch {
                return .failure(error)
            }
        }
        var found = try result.get()
        found.source = source(found.answer.receipt, trace)
        return found
    }

    private func scan(
        _ part: SearchPart, _ request: PartsRequest, _ index: IndexDescription,
        _ lease: LeasedShards
    ) async throws(TesseraError) -> PartAnswer {
        let clock = ContinuousClock()
        let start = clock.now
        // The run points into the shards' models.
        let shards = try await mapConcurrently(part.distinctShards, width: Self.concurrency) {
            ordinal async throws(TesseraError) in
            if let held = lease.shards[ordinal] { return held.open }
            return try await open(ordinal)
        }
        defer { withExtendedLifetime(shards) {} }
        let byOrdinal = Dictionary(uniqueKeysWithValues: shards.map { ($0.ordinal, $0) })
        let search = ColdRun()
        try await pool.run {
            search.run.begin(part, request, index, metric: lists.metric) { ordinal in
                byOrdinal[ordinal].map { $0.model.view(ordinal: ordinal) }
            }
        }
        let touched = TouchedShards(
            heads: byOrdinal.mapValues(\.head), residents: lease.shards)
        let options = part.options(request)
        var receipt = Receipt()
        try await lists.scan(search, touched, options, &receipt)
        let scanned = clock.now
        let hits = try await lists.refine(search, touched, options, &receipt, cuts: part.isShared)
        receipt.scan = scanned - start
        receipt.refine = clock.now - scanned
        return PartAnswer(
            answer: SearchAnswer(hits: hits, receipt: receipt), source: .ram,
            estimates: search.run.cutEstimates(
                refines: lists.hasRefineTier, cuts: part.isShared))
    }

    private func open(_ ordinal: Int) async throws(TesseraError) -> OpenShard {
        if let shard = opened[ordinal] { return shard }
        let reference = references[ordinal]
        let key = ObjectKind.shard.key(reference.digest)
        let shard = try await store.rereadingOnce(key) { () async throws(TesseraError) in
            let tail = try await store.storedPart(key, reference.open.range)
            return try await pool.run { () throws(TesseraError) in
                try OpenShard(tail: tail, key: key, ordinal: ordinal)
            }
        }
        let head = shard.head
        try head.check(
            metric: lists.metric, dimension: dimension, paddedDimension: padded,
            vectors: reference.vectors, lists: reference.lists)
        guard lists.hasRefineTier == (head.refine.encoding != .none) else {
            throw TesseraError(.corrupted, "\(head.name) is not the shard the manifest describes")
        }
        opened.insert(shard)
        return shard
    }

    /// The slowest tier anything came from.
    private func source(_ receipt: Receipt, _ trace: ReadTrace) -> AnswerSource {
        if receipt.reads == 0 { return .ram }
        if store.isLocal { return .disk }
        return trace.fetched > 0 || trace.cached == 0 ? .store : .disk
    }
}
