// Merges the answers to a query's parts into one answer.
import Search
import SearchTypes
import VectorCore

/// Collects the answers to the parts of a query.
struct AnswerMerge {
    /// Hits with their distances by code. A hit without one is never cut.
    private var hits: [(hit: Hit, estimate: Float)] = []
    private var cut: CandidateCut
    private var receipt = Receipt()
    private var source = AnswerSource.ram
    /// Shards that the query's lists are in.
    private let shards: Int
    /// Shards that have answered.
    private var answered = 0

    /// - Parameters:
    ///   - chosen: time that routing and choosing lists took for all queries of the request.
    ///   - depth: candidates that one process would refine.
    init(_ lists: ListChoice, chosen: Duration, depth: Int) {
        cut = CandidateCut(depth: depth)
        receipt.shardsOffered = lists.offered
        receipt.route = lists.route
        receipt.chooseLists = max(.zero, chosen - lists.route)
        shards = Set(lists.shards).count
    }

    /// Adds the answer to a part. A part that failed lowers the share of shards that answered.
    mutating func add(_ part: SearchPart, _ outcome: PartOutcome) {
        guard case .success(let found) = outcome else { return }
        cut.add(found.estimates?.candidates)
        for (number, hit) in found.answer.hits.enumerated() {
            hits.append((hit, found.estimates?.hits[number] ?? -.infinity))
        }
        answered += part.distinctShards.count
        source = source.slower(than: found.source)
        receipt.add(found.answer.receipt)
    }

    /// The `k` nearest hits, ties to the lower place, among the candidates that one process would
    /// have refined in the shards that answered.
    func answer(k: Int) -> BackendAnswer {
        let limit = cut.limit
        let nearest = hits.compactMap { $0.estimate <= limit ? $0.hit : nil }
            .sorted { ($0.distance, $0.place) < ($1.distance, $1.place) }
        return BackendAnswer(
            answer: SearchAnswer(hits: Array(nearest.prefix(k)), receipt: receipt),
            share: shards == 0 ? 1 : Float(answered) / Float(shards), source: source)
    }
}

extension Receipt {
    /// Adds what a part cost. Parts run at the same time, so the longest time of each stage counts.
    fileprivate mutating func add(_ part: Receipt) {
        shardsTouched += part.shardsTouched
        listsScanned += part.listsScanned
        listsSkipped += part.listsSkipped
        codesScanned += part.codesScanned
        rowsRefined += part.rowsRefined
        bytesRead += part.bytesRead
        reads += part.reads
        roundTrips = max(roundTrips, part.roundTrips)
        scan = max(scan, part.scan)
        refine = max(refine, part.refine)
        resolve = max(resolve, part.resolve)
    }
}
