// The leaf of a search: scans chosen lists, refines candidates and resolves ids, in this process or
// at a worker. One process is a root with one leaf request a query.
//
// Invariant: the answer to a request depends on the request, the version and the filter alone: not
// on other requests, nor on which of its shards are in memory.
import Catalog
import ObjectStore
package import SearchTypes
package import TesseraBase
import VectorCore
package import VectorIndex

/// Searches the shards of one version.
package struct Leaf: Sendable {
    /// Requests under way at once for each thread where something has to be read: they wait more
    /// than they compute.
    private static let waitingRequests = 4
    /// Codes that are scanned on the calling thread; more go to the pool. About a millisecond's.
    static let codesHere = 1 << 18

    package let source: ShardSource
    private let pool: WorkPool
    private let stored: StoredLeaf
    private let scratch: ScratchPool
    private let clock: SteadyClock
    /// Codes of an average list.
    private let codesPerList: Int

    package init(_ source: ShardSource, pool: WorkPool, clock: SteadyClock = .system) {
        self.source = source
        self.pool = pool
        self.clock = clock
        stored = StoredLeaf(objects: source.objects, reads: source.reads, pool: pool)
        scratch = ScratchPool(limit: 2 * pool.width)
        let shards = source.objects.index.shards
        codesPerList =
            shards.reduce(0) { $0 + $1.vectors } / max(1, shards.reduce(0) { $0 + $1.lists })
    }

    private var objects: VersionObjects { source.objects }

    /// Throws `invalidArgument` for requests that do not fit the version.
    package func check(_ request: PartsRequest) throws(TesseraError) {
        func refuse(_ what: String) -> TesseraError {
            TesseraError(.invalidArgument, "the search request does not fit the index: \(what)")
        }
        let index = objects.index
        guard request.queries.columns == index.dimension else {
            throw refuse("\(request.queries.columns) dimensions instead of \(index.dimension)")
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

    /// Whether a request of so many lists may be answered on the thread that reads and writes for
    /// all connections: where there are other threads to scan, they do.
    package func isShort(lists: Int) -> Bool {
        guard pool.width == 1 else { return false }
        let (codes, overflow) = lists.multipliedReportingOverflow(by: codesPerList)
        return !overflow && codes <= Self.codesHere
    }

    /// Brings shards into memory as long as there is room; returns how many are there.
    package func prepare(_ ordinals: [Int]) async throws(TesseraError) -> Int {
        try await source.prepare(ordinals, width: Self.waitingRequests)
    }

    /// ``search(_:filter:deadline:opened:)`` on the calling thread; nil unless all shards are in
    /// memory.
    package func searchHere(
        _ request: PartsRequest, filter: RowFilter? = nil, deadline: SteadyClock.Instant?
    ) throws(TesseraError) -> [PartAnswer]? {
        guard let lease = source.leaseHeld(request.wantedShards) else { return nil }
        defer { withExtendedLifetime(lease) {} }
        try check(lease)
        guard lease.shards.values.allSatisfy({ $0.ids != nil }) else { return nil }
        return try resident(Array(request.parts.indices), request, lease, filter, deadline)
            .map(\.answer)
    }

    /// One answer a leaf request, in their order; the requests are checked.
    ///
    /// - Parameters:
    ///   - filter: rows that count; nil: all. Fewer than `k` hits come back where the lists hold
    ///     fewer.
    ///   - opened: shards that are open already.
    /// - Throws: `unavailable` where the deadline passes first or the store fails, `corrupted`
    ///   where a shard is damaged.
    package func search(
        _ request: PartsRequest, filter: RowFilter? = nil, deadline: SteadyClock.Instant?,
        opened: [Int: OpenShard] = [:]
    ) async throws(TesseraError) -> [PartAnswer] {
        let lease = await source.lease(request.wantedShards)
        if let lease { try check(lease) }
        var (whole, rest): ([Int], [Int]) = ([], [])
        for (number, part) in request.parts.enumerated() {
            let isWhole = part.shards.allSatisfy { lease?.shards[Int($0)]?.ids != nil }
            if isWhole { whole.append(number) } else { rest.append(number) }
        }
        var answers = [PartAnswer?](repeating: nil, count: request.parts.count)
        if let lease, !whole.isEmpty {
            let requests = whole
            let batch = max(1, min(16, whole.count / pool.width))
            let found = try await pool.drain(whole.count, batch: batch) {
                range throws(TesseraError) in
                try resident(Array(requests[range]), request, lease, filter, deadline)
            }
            for (part, answer) in found { answers[part] = answer }
        }
        let stored = try await mapConcurrently(rest, width: Self.waitingRequests * pool.width) {
            part async throws(TesseraError) in
            try checkTime(deadline)
            return (part, try await read(request.parts[part], request, lease, filter, opened))
        }
        for (part, answer) in stored { answers[part] = answer }
        return answers.compactMap { $0 }
    }

    private func check(_ lease: LeasedShards) throws(TesseraError) {
        for (ordinal, shard) in lease.shards { try objects.check(shard.head, ordinal) }
    }

    private func checkTime(_ deadline: SteadyClock.Instant?) throws(TesseraError) {
        if let deadline, clock.now() >= deadline {
            throw TesseraError(.unavailable, "the deadline passed before the answer was ready")
        }
    }

    /// Answers requests whose shards are in memory, on the calling thread.
    private func resident(
        _ parts: [Int], _ request: PartsRequest, _ lease: LeasedShards, _ filter: RowFilter?,
        _ deadline: SteadyClock.Instant?
    ) throws(TesseraError) -> [(part: Int, answer: PartAnswer)] {
        try scratch.with { scratch throws(TesseraError) in
            var answered: [(part: Int, answer: PartAnswer)] = []
            answered.reserveCapacity(parts.count)
            for part in parts {
                try checkTime(deadline)
                answered.append(
                    (part, try search(request.parts[part], request, lease, filter, &scratch)))
            }
            return answered
        }
    }

    private func search(
        _ part: SearchPart, _ request: PartsRequest, _ lease: LeasedShards, _ filter: RowFilter?,
        _ scratch: inout SearchScratch
    ) throws(TesseraError) -> PartAnswer {
        let chosen = objects.begin(part, request, &scratch.arena) { lease.shards[$0]?.view }
        let leaf = ResidentLeaf(table: lease, metric: objects.metric, refines: objects.refines)
        let found = try leaf.search(
            chosen, part.options(request), filter: filter, isShared: part.isShared, &scratch,
            Receipt())
        return PartAnswer(found, source: .ram)
    }

    /// Answers a request whose shards are not all in memory.
    private func read(
        _ part: SearchPart, _ request: PartsRequest, _ lease: LeasedShards?, _ filter: RowFilter?,
        _ opened: [Int: OpenShard]
    ) async throws(TesseraError) -> PartAnswer {
        defer { withExtendedLifetime(lease) {} }
        let (found, trace) = try await ReadTrace.record { () async throws(TesseraError) in
            var receipt = Receipt()
            let shards = try await shards(of: part, lease, opened, &receipt)
            return try await stored.search(
                shards, part.options(request), filter: filter, isShared: part.isShared, receipt
            ) { [objects] arena in
                objects.begin(part, request, &arena) { shards.view($0) }
            }
        }
        return PartAnswer(found, source: source.tier(found.answer.receipt, trace))
    }

    /// The shards of a request: those leased, and all others opened.
    private func shards(
        of part: SearchPart, _ lease: LeasedShards?, _ opened: [Int: OpenShard],
        _ receipt: inout Receipt
    ) async throws(TesseraError) -> RequestShards {
        let residents = lease?.shards ?? [:]
        var shards = opened
        let missing = part.distinctShards.filter { ordinal in
            guard residents[ordinal] == nil, shards[ordinal] == nil else { return false }
            shards[ordinal] = source.openAtHand(ordinal, nil)
            return shards[ordinal] == nil
        }
        for shard in try await source.open(missing, &receipt) { shards[shard.ordinal] = shard }
        return RequestShards(residents: residents, opened: shards)
    }
}

extension VersionObjects {
    /// Begins a leaf request: its shards on offer, its lists chosen. A shard without a view is left
    /// out with its lists.
    func begin(
        _ part: SearchPart, _ request: PartsRequest, _ arena: inout QueryArena,
        view: (Int) -> ShardView?
    ) -> ChosenLists {
        var routed = arena.begin(
            request.queries.row(part.query), transformed: request.transformed?.row(part.query),
            paddedDimension: index.paddedDimension, metric: metric)
        var slots: [Int: Int] = [:]
        for ordinal in part.distinctShards {
            guard let view = view(ordinal) else { continue }
            slots[ordinal] = slots.count
            routed.offer(view)
        }
        return routed.take(
            zip(part.shards, part.lists).compactMap { shard, list in
                slots[Int(shard)].map { ($0, Int(list)) }
            })
    }
}

extension PartsRequest {
    /// The shards of all requests, each once, ascending.
    var wantedShards: [Int] {
        var wanted: Set<Int> = []
        for part in parts { wanted.formUnion(part.shards.lazy.map { Int($0) }) }
        return wanted.sorted()
    }
}

extension SearchPart {
    func options(_ request: PartsRequest) -> SearchOptions {
        SearchOptions(
            k: request.k, probeCount: lists.count, listMargin: nil,
            refineDepth: request.refineDepth, probeShards: shards.count)
    }
}

extension PartAnswer {
    init(_ found: LeafAnswer, source: AnswerSource) {
        self.init(
            answer: found.answer, source: source,
            estimates: found.cuts.map {
                PartEstimates(hits: $0.nearest, candidates: $0.candidates)
            })
    }
}
