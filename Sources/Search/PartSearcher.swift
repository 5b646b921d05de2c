// Parts of queries searched on a worker: the lists were chosen elsewhere.
package import Catalog
package import SearchTypes
import ShardFile
package import TesseraBase
package import VectorCore
import VectorIndex

/// Searches parts in one version. The answer to a part depends on nothing but the part and the version: not on what else
/// is asked, nor on which of its shards are in memory.
package struct PartSearcher: Sendable {
    /// Parts under way at once for each thread where something has to be read: they wait more than they compute.
    private static let waitingParts = 4
    /// Codes that are scanned on the thread a request came in on, about a millisecond's.
    private static let codesHere = 1 << 18

    let index: IndexDescription
    package let shards: VersionShards
    let metric: Metric
    let refines: Bool
    let pool: WorkPool
    let cold: ColdParts
    private let cache: ShardCache
    private let scratch: ScratchPool
    /// Codes of an average list.
    private let codesPerList: Int

    /// - Parameter readBudget: bytes for opened shards that are not in memory, and as many for reading ahead.
    /// - Throws: `unsupported` for a metric this build does not know.
    package init(
        _ manifest: Manifest, from catalog: Catalog, cache: ShardCache, pool: WorkPool,
        readBudget: Int
    ) throws(TesseraError) {
        guard let metric = Metric(rawValue: manifest.index.metric) else {
            throw TesseraError(.unsupported, "metric '\(manifest.index.metric)' is not known")
        }
        index = manifest.index
        self.metric = metric
        refines = index.refine != RefineEncoding.none.rawValue
        shards = VersionShards(manifest, from: catalog, residency: .all)
        cold = ColdParts(
            manifest, from: catalog, metric: metric, refines: refines, pool: pool,
            budget: readBudget)
        self.cache = cache
        self.pool = pool
        scratch = ScratchPool(limit: 2 * pool.width)
        codesPerList =
            index.shards.reduce(0) { $0 + $1.vectors }
            / max(1, index.shards.reduce(0) { $0 + $1.lists })
    }

    /// Throws `invalidArgument` for parts that are not of this version.
    package func check(_ request: PartsRequest) throws(TesseraError) {
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

    /// Brings shards into memory as long as there is room, the hottest first; how many of them are there.
    package func prepare(_ ordinals: [Int]) async throws(TesseraError) -> Int {
        let hottest = cache.rankedByHeat(ordinals, shards)
        _ = try await mapConcurrently(hottest, width: Self.waitingParts) { ordinal in
            await cache.lease([ordinal], of: shards)
        }
        return cache.held(ordinals, of: shards).shards.count
    }

    /// Whether a request scans so little that it may be answered on the thread it came in on. That thread scans for all, so
    /// where there are others to scan, they do.
    package func isShort(lists: Int) -> Bool {
        guard pool.width == 1 else { return false }
        let (codes, overflow) = lists.multipliedReportingOverflow(by: codesPerList)
        return !overflow && codes <= Self.codesHere
    }

    /// The same as ``search(_:deadline:)`` on the calling thread; nil unless all shards are in memory.
    package func searchHere(_ request: PartsRequest, deadline: ContinuousClock.Instant?)
        throws(TesseraError) -> [PartAnswer]?
    {
        guard let lease = cache.leaseHeld(wanted(request), of: shards) else { return nil }
        defer { withExtendedLifetime(lease) {} }
        guard lease.shards.values.allSatisfy({ $0.ids != nil }) else { return nil }
        return try scratch.with { scratch throws(TesseraError) in
            var answers: [PartAnswer] = []
            answers.reserveCapacity(request.parts.count)
            for part in request.parts {
                try Self.checkTime(deadline)
                answers.append(search(part, request, lease, &scratch))
            }
            return answers
        }
    }

    private func wanted(_ request: PartsRequest) -> [Int] {
        var wanted: Set<Int> = []
        for part in request.parts { wanted.formUnion(part.shards.lazy.map { Int($0) }) }
        return wanted.sorted()
    }

    /// One answer a part, in their order; the request is checked.
    ///
    /// - Throws: `unavailable` where the deadline passes first or the store fails, `corrupted` where a shard does.
    package func search(_ request: PartsRequest, deadline: ContinuousClock.Instant?)
        async throws(TesseraError) -> [PartAnswer]
    {
        let lease = await cache.lease(wanted(request), of: shards)
        var (whole, rest): ([Int], [Int]) = ([], [])
        for (number, part) in request.parts.enumerated() {
            if part.shards.allSatisfy({ lease.shards[Int($0)]?.ids != nil }) {
                whole.append(number)
            } else {
                rest.append(number)
            }
        }
        var answers = [PartAnswer?](repeating: nil, count: request.parts.count)
        for (part, answer) in try await warm(whole, request, lease, deadline) {
            answers[part] = answer
        }
        let read = try await mapConcurrently(rest, width: Self.waitingParts * pool.width) {
            part async throws(TesseraError) in
            try Self.checkTime(deadline)
            return (part, try await cold.search(request.parts[part], request, index, lease))
        }
        for (part, answer) in read { answers[part] = answer }
        return answers.compactMap { $0 }
    }

    private static func checkTime(_ deadline: ContinuousClock.Instant?) throws(TesseraError) {
        if let deadline, ContinuousClock.now >= deadline {
            throw TesseraError(.unavailable, "the deadline passed before the answer was ready")
        }
    }

    /// `[dimension]` for each place, in their order. Throws as ``VectorLookup/vectors(at:held:)``.
    package func vectors(
        at places: [NumericID], _ lookup: VectorLookup
    ) async throws(TesseraError) -> [[Float]] {
        let there = Set(places.map(\.shard)).filter(index.shards.indices.contains)
        let lease = cache.held(there.sorted(), of: shards)
        defer { withExtendedLifetime(lease) {} }
        return try await lookup.vectors(at: places, held: lease.shards)
    }

    /// Parts whose shards are in memory.
    private func warm(
        _ parts: [Int], _ request: PartsRequest, _ lease: LeasedShards,
        _ deadline: ContinuousClock.Instant?
    ) async throws(TesseraError) -> [(part: Int, answer: PartAnswer)] {
        let queue = BatchQueue(
            count: parts.count, batch: max(1, min(16, parts.count / pool.width)))
        let lanes = try await pool.map(Array(0..<min(pool.width, parts.count))) {
            _ throws(TesseraError) in
            try await pool.run { () throws(TesseraError) in
                try scratch.with { scratch throws(TesseraError) in
                    var answered: [(part: Int, answer: PartAnswer)] = []
                    while let batch = queue.next() {
                        for part in batch.map({ parts[$0] }) {
                            try Self.checkTime(deadline)
                            let answer = search(request.parts[part], request, lease, &scratch)
                            answered.append((part, answer))
                        }
                    }
                    return answered
                }
            }
        }
        return lanes.flatMap { $0 }
    }

    private func search(
        _ part: SearchPart, _ request: PartsRequest, _ lease: LeasedShards,
        _ scratch: inout SearchScratch
    ) -> PartAnswer {
        let clock = ContinuousClock()
        let start = clock.now
        scratch.run.begin(part, request, index, metric: metric) { ordinal in
            lease.shards[ordinal]?.view
        }
        let options = part.options(request)
        scratch.run.beginScan(depth: options.candidateDepth(refines: refines), refines: refines)
        scratch.run.scanResident()
        scratch.run.chooseCandidates()
        let scanned = clock.now
        var receipt = Receipt()
        receipt.count(scratch.run, refines: refines)
        let compares = refines && scratch.run.findResidentRows()
        scratch.run.answer(k: request.k, refines: compares, cuts: part.isShared)
        let refined = clock.now
        let hits = scratch.run.nearest.map { candidate in
            let place = NumericID(rawValue: candidate.id)
            return Hit(
                id: lease.shards[place.shard]?.ids?.view[place.row] ?? "",
                distance: metric.reported(candidate.distance), place: place)
        }
        receipt.scan = scanned - start
        receipt.refine = refined - scanned
        receipt.resolve = clock.now - refined
        return PartAnswer(
            answer: SearchAnswer(hits: hits, receipt: receipt), source: .ram,
            estimates: scratch.run.cutEstimates(refines: compares, cuts: part.isShared))
    }
}

extension IndexDescription {
    /// Dimensions of a vector as the quantizer sees it.
    var paddedDimension: Int { quantizer.subquantizers * quantizer.subdimension }
}

extension SearchPart {
    func options(_ request: PartsRequest) -> SearchOptions {
        SearchOptions(
            k: request.k, probeCount: lists.count, listMargin: nil,
            refineDepth: request.refineDepth,
            probeShards: shards.count)
    }
}

extension QueryRun {
    /// Brings the answer into ``nearest``; what is refined may be cut later.
    mutating func answer(k: Int, refines: Bool, cuts: Bool) {
        guard refines else { return unrefined(k: k) }
        if cuts { refineForCuts(k: k) } else { refine(k: k) }
    }

    /// What it takes to cut the answer.
    func cutEstimates(refines: Bool, cuts: Bool) -> PartEstimates? {
        guard refines, cuts else { return nil }
        return PartEstimates(hits: nearestEstimates, candidates: estimates)
    }

    /// Starts a part: its shards on offer, its lists chosen. A shard without a view is left out with its lists.
    mutating func begin(
        _ part: SearchPart, _ request: PartsRequest, _ index: IndexDescription, metric: Metric,
        view: (Int) -> ShardView?
    ) {
        begin(
            request.queries.row(part.query), transformed: request.transformed?.row(part.query),
            paddedDimension: index.paddedDimension, metric: metric)
        var slots: [Int: Int] = [:]
        for ordinal in part.distinctShards {
            if let view = view(ordinal) { slots[ordinal] = offer(view) }
        }
        takeLists(
            zip(part.shards, part.lists).compactMap { shard, list in
                slots[Int(shard)].map { ($0, Int(list)) }
            })
    }
}
