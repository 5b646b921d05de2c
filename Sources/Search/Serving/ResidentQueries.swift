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
            return rows == 1
                ? [try answerOne(request)] : try answer(request, Array(0..<rows)).map(\.answer)
        }
        let queue = BatchQueue(count: rows, batch: batch(rows))
        let lanes = try await pool.map(Array(0..<min(pool.width, rows))) {
            _ throws(TesseraError) in
            try await pool.run { () throws(TesseraError) in try lane(request, queue) }
        }
        var answers = [BackendAnswer](
            repeating: .none(request), count: rows)
        for (query, answer) in lanes.joined() { answers[query] = answer }
        return answers
    }

    /// Queries a lane takes at once: enough that queries share lists in the cache, few enough that
    /// the lanes end at about the same time.
    private func batch(_ rows: Int) -> Int {
        max(1, min(2 * leastTogether, rows / pool.width))
    }

    private func lane(_ request: SearchRequest, _ queue: BatchQueue) throws(TesseraError)
        -> [(query: Int, answer: BackendAnswer)]
    {
        var answered: [(query: Int, answer: BackendAnswer)] = []
        while let batch = queue.next() {
            answered +=
                batch.count < leastTogether
                ? try answer(request, Array(batch)) : try answerTogether(request, batch)
        }
        return answered
    }

    /// Searches for queries that share work on the calling thread: all of them, if the deadline has
    /// not passed at the start.
    private func answerTogether(_ request: SearchRequest, _ queries: Range<Int>)
        throws(TesseraError) -> [(query: Int, answer: BackendAnswer)]
    {
        guard try request.hasTime(clock) else { return queries.map { ($0, .none(request)) } }
        return try scratch.with { scratch throws(TesseraError) in
            var answered: [(query: Int, answer: BackendAnswer)] = []
            answered.reserveCapacity(queries.count)
            defer { count(answered) }
            try searcher.search(
                queries, of: request.queries, options: request.options, filter: nil,
                scratch: &scratch
            ) { answered.append(($0, BackendAnswer(answer: $1, source: Self.source($1)))) }
            return answered
        }
    }

    private static func source(_ answer: SearchAnswer) -> AnswerSource {
        answer.receipt.reads > 0 ? .disk : .ram
    }

    /// Searches for a request's only query on the calling thread.
    private func answerOne(_ request: SearchRequest) throws(TesseraError) -> BackendAnswer {
        guard try request.hasTime(clock) else { return .none(request) }
        let answer = try scratch.with { scratch throws(TesseraError) in
            try search(request, 0, &scratch)
        }
        count(answer.answer.receipt.shardsTouched, last: answer.answer)
        return answer
    }

    private func search(
        _ request: SearchRequest, _ query: Int, _ scratch: inout SearchScratch
    ) throws(TesseraError) -> BackendAnswer {
        let answer = try searcher.search(
            request.queries.row(query), options: request.options, scratch: &scratch)
        return BackendAnswer(answer: answer, source: Self.source(answer))
    }

    /// Searches on the calling thread, one query after another until the deadline.
    private func answer(_ request: SearchRequest, _ queries: [Int]) throws(TesseraError)
        -> [(query: Int, answer: BackendAnswer)]
    {
        try scratch.with { scratch throws(TesseraError) in
            var answered: [(query: Int, answer: BackendAnswer)] = []
            answered.reserveCapacity(queries.count)
            defer { count(answered) }
            for query in queries {
                guard try request.hasTime(clock) else {
                    answered.append((query, .none(request)))
                    continue
                }
                answered.append((query, try search(request, query, &scratch)))
            }
            return answered
        }
    }
}

extension ResidentQueries {
    private func count(_ answered: [(query: Int, answer: BackendAnswer)]) {
        count(
            answered.reduce(0) { $0 + $1.answer.answer.receipt.shardsTouched },
            last: answered.last?.answer.answer)
    }

    private func count(_ scanned: Int, last: SearchAnswer?) {
        cache.countScanned(scanned, of: shards) {
            // Shards with hits have been scanned.
            Set(last?.hits.map(\.place.shard) ?? [])
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
