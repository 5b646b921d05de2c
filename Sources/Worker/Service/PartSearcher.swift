// A part of a query searched in shards that are in memory: the lists were chosen elsewhere.
import Catalog
import SearchProtocol
import ShardFile
import TesseraBase
import VectorCore
import VectorIndex

/// Searches parts in one version. The answer to a part depends on nothing but the part and the version.
struct PartSearcher: Sendable {
    let metric: Metric
    let index: IndexDescription
    private let refines: Bool
    private let scratch: ScratchPool
    private let pool: WorkPool

    /// Throws `unsupported` for a metric this build does not know.
    init(_ manifest: Manifest, pool: WorkPool) throws(TesseraError) {
        guard let metric = Metric(rawValue: manifest.index.metric) else {
            throw TesseraError(.unsupported, "metric '\(manifest.index.metric)' is not known")
        }
        self.metric = metric
        index = manifest.index
        refines = index.refine != RefineEncoding.none.rawValue
        scratch = ScratchPool(limit: 2 * pool.width)
        self.pool = pool
    }

    /// Throws `invalidArgument` for parts that are not of this version.
    func check(_ request: PartsRequest) throws(TesseraError) {
        func refuse(_ what: String) -> TesseraError {
            TesseraError(.invalidArgument, "the search request does not fit the index: \(what)")
        }
        guard request.queries.columns == index.dimension else {
            throw refuse(
                "\(request.queries.columns) dimensions instead of \(index.dimension)")
        }
        let rotated = request.transformed?.columns
        guard rotated == (index.quantizer.rotation ? index.paddedDimension : nil) else {
            throw refuse("rotated queries of \(rotated ?? 0) dimensions")
        }
        for part in request.parts {
            for (shard, list) in zip(part.shards, part.lists) {
                guard shard < index.shards.count, list < index.shards[Int(shard)].lists else {
                    throw refuse("there is no list \(list) in a shard \(shard)")
                }
            }
        }
    }

    /// One answer a part, in their order; the request is checked, and the lease has its shards.
    ///
    /// - Throws: `unavailable` where the deadline passes first.
    func search(_ request: PartsRequest, _ lease: ShardLease, deadline: ContinuousClock.Instant?)
        async throws(TesseraError) -> [PartAnswer]
    {
        let queue = BatchQueue(
            count: request.parts.count, batch: max(1, min(16, request.parts.count / pool.width)))
        let lanes = try await pool.map(Array(0..<min(pool.width, request.parts.count))) {
            _ throws(TesseraError) in
            try await pool.run { () throws(TesseraError) in
                try scratch.with { scratch throws(TesseraError) in
                    try lane(queue, request, lease, deadline, &scratch)
                }
            }
        }
        return lanes.flatMap { $0 }.sorted { $0.part < $1.part }.map(\.answer)
    }

    private func lane(
        _ queue: BatchQueue, _ request: PartsRequest, _ lease: ShardLease,
        _ deadline: ContinuousClock.Instant?, _ scratch: inout SearchScratch
    ) throws(TesseraError) -> [(part: Int, answer: PartAnswer)] {
        var answered: [(part: Int, answer: PartAnswer)] = []
        while let batch = queue.next() {
            for part in batch {
                if let deadline, ContinuousClock.now >= deadline {
                    throw TesseraError(
                        .unavailable, "the deadline passed before the answer was ready")
                }
                let answer = search(request.parts[part], request, lease, &scratch)
                answered.append((part, PartAnswer(answer: answer, source: lease.source)))
            }
        }
        return answered
    }

    private func search(
        _ part: SearchPart, _ request: PartsRequest, _ lease: ShardLease,
        _ scratch: inout SearchScratch
    ) -> SearchAnswer {
        let clock = ContinuousClock()
        let start = clock.now
        scratch.run.begin(
            request.queries.row(part.query), transformed: request.transformed?.row(part.query),
            paddedDimension: index.paddedDimension, metric: metric)
        var slots: [Int: Int] = [:]
        for ordinal in part.distinctShards {
            guard let shard = lease.shards[ordinal] else { continue }
            slots[ordinal] = scratch.run.offer(shard.view(ordinal: ordinal))
        }
        scratch.run.takeLists(
            zip(part.shards, part.lists).compactMap { shard, list in
                slots[Int(shard)].map { ($0, Int(list)) }
            })
        let options = SearchOptions(
            k: request.k, probeCount: part.lists.count, refineDepth: request.refineDepth,
            probeShards: slots.count)
        scratch.run.beginScan(depth: options.candidateDepth(refines: refines), refines: refines)
        scratch.run.scanResident()
        scratch.run.chooseCandidates()
        let scanned = clock.now
        var receipt = Receipt()
        receipt.count(scratch.run, refines: refines)
        if refines, scratch.run.findResidentRows() {
            scratch.run.refine(k: request.k)
        } else {
            scratch.run.unrefined(k: request.k)
        }
        let refined = clock.now
        let hits = scratch.run.nearest.map { candidate in
            let place = NumericID(rawValue: candidate.id)
            return Hit(
                id: lease.shards[place.shard]?.ids?[place.row] ?? "",
                distance: metric.reported(candidate.distance), place: place)
        }
        receipt.scan = scanned - start
        receipt.refine = refined - scanned
        receipt.resolve = clock.now - refined
        return SearchAnswer(hits: hits, receipt: receipt)
    }
}

extension ResidentShard {
    /// The shard under another version's ordinal.
    func view(ordinal: Int) -> ShardView { open.model.view(ordinal: ordinal, storage: storage) }
}
