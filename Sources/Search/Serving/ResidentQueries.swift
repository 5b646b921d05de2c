// Answers requests from a version in memory: small requests on the calling thread, large ones on
// the pool.
import SearchTypes
import TesseraBase
import VectorCore

/// Answers requests with an ``IndexSearcher``.
struct ResidentQueries: Sendable {
    private let searcher: IndexSearcher
    private let pool: WorkPool
    private let cache: ShardCache
    private let shards: VersionShards
    private let scratch: ScratchPool
    private let listCount: Int
    /// Average number of codes in a list.
    private let codesPerList: Int
    /// Whether rows and ids are in memory too, so that a search reads nothing.
    private let isWhole: Bool
    private let clock: SteadyClock

    /// - Parameters:
    ///   - shards: the searcher's shards.
    ///   - cache: counts the scans.
    init(
        _ searcher: IndexSearcher, pool: WorkPool, shards: VersionShards, cache: ShardCache,
        clock: SteadyClock
    ) {
        self.clock = clock
        self.searcher = searcher
        self.pool = pool
        self.shards = shards
        self.cache = cache
        scratch = ScratchPool(limit: 2 * pool.width)
        listCount = searcher.listCount
        codesPerList = searcher.vectorCount / max(1, listCount)
        isWhole = searcher.isWhole
    }

    /// One answer per query, in input order.
    nonisolated(nonsending) func answer(
        _ request: SearchRequest
    ) async throws(TesseraError) -> [BackendAnswer] {
        let rows = request.queries.rows
        let lists = min(request.options.probeCount, listCount)
        let (codes, overflow) = (rows * lists).multipliedReportingOverflow(by: codesPerList)
        if isWhole, !overflow, codes <= Leaf.codesHere {
            return Self.inOrder(try answer(request, 0..<rows), request)
        }
        // Enough at a time to find lists that others have brought into the cache, few enough that
        // the lanes end together.
        let batch = max(1, min(2 * leastTogether, rows / pool.width))
        let found = try await pool.drain(rows, batch: batch) { queries throws(TesseraError) in
            try answer(request, queries)
        }
        return Self.inOrder(found, request)
    }

    /// Queries of a batch are answered in the order of their nearest shards.
    private static func inOrder(
        _ found: [(query: Int, answer: BackendAnswer)], _ request: SearchRequest
    ) -> [BackendAnswer] {
        if found.count == 1 { return [found[0].answer] }
        var answers = [BackendAnswer](repeating: .none(request), count: request.queries.rows)
        for (query, answer) in found { answers[query] = answer }
        return answers
    }

    /// Searches on the calling thread while there is time.
    private func answer(_ request: SearchRequest, _ queries: Range<Int>) throws(TesseraError)
        -> [(query: Int, answer: BackendAnswer)]
    {
        try scratch.with { scratch throws(TesseraError) in
            var answered: [(query: Int, answer: BackendAnswer)] = []
            answered.reserveCapacity(queries.count)
            defer { count(answered) }
            func take(_ query: Int, _ answer: SearchAnswer) {
                let source: AnswerSource = answer.receipt.reads > 0 ? .disk : .ram
                answered.append((query, BackendAnswer(answer: answer, source: source)))
            }
            if queries.count >= leastTogether, try request.hasTime(clock) {
                try searcher.search(
                    queries, of: request.queries, options: request.options, filter: nil,
                    scratch: &scratch, answered: take)
                return answered
            }
            for query in queries {
                guard try request.hasTime(clock) else {
                    answered.append((query, .none(request)))
                    continue
                }
                take(
                    query,
                    try searcher.search(
                        request.queries.row(query), options: request.options, scratch: &scratch))
            }
            return answered
        }
    }

    /// Counts the probed shards. Where results are found, lists were scanned.
    private func count(_ answered: [(query: Int, answer: BackendAnswer)]) {
        let scanned = answered.reduce(0) { $0 + $1.answer.answer.receipt.shardsTouched }
        cache.countScanned(scanned, of: shards) {
            Set(answered.last?.answer.answer.hits.map(\.place.shard) ?? [])
        }
    }
}

extension BackendAnswer {
    /// The answer to a query that was not searched for lack of time.
    static func none(_ request: SearchRequest) -> BackendAnswer {
        BackendAnswer(answer: SearchAnswer(hits: [], receipt: Receipt()), share: 0)
    }
}

extension SearchRequest {
    /// Whether the deadline is still ahead. Throws `unavailable` if it has passed and partial
    /// answers are not allowed.
    func hasTime(_ clock: SteadyClock) throws(TesseraError) -> Bool {
        guard let deadline, clock.now() >= deadline else { return true }
        guard allowPartial else { throw Self.late }
        return false
    }

    static let late = TesseraError(
        .unavailable,
        "the deadline passed before the answer was ready; allow more time, or search fewer lists")

    /// Throws `invalidArgument` for requests that no version of this dimension can answer.
    func check(dimension: Int) throws(TesseraError) {
        func refuse(_ reason: String) -> TesseraError { TesseraError(.invalidArgument, reason) }
        guard queries.columns == dimension else {
            throw refuse(
                "the queries have \(queries.columns) dimensions, the index has \(dimension)")
        }
        guard queries.elements.allSatisfy(\.isFinite) else {
            throw refuse("a query has a component that is not a finite number")
        }
        let limits = 1...Self.largest
        for (name, value) in [
            ("k", options.k), ("nprobe", options.probeCount), ("shards", options.probeShards),
            ("refine", max(1, options.refineDepth)),
        ] where !limits.contains(value) {
            throw refuse("\(name) \(value) is out of range; give 1 to \(Self.largest)")
        }
    }

    /// Largest k, number of lists, candidates or shards; a limit that keeps products from
    /// overflowing.
    private static let largest = 1 << 24
}
