// The end of a cold search: rows are compared as they arrive, id blocks kept until the winners are known.
import ShardFile
import TesseraBase
import VectorCore
import VectorIndex

/// An id block of a shard.
struct IDBlockKey: Hashable, Sendable {
    let shard: Int
    let offset: UInt64
}

/// Collects the `k` nearest rows and what is needed to name them.
struct ColdRefinement {
    private let query: [Float]
    private let metric: Metric
    private var top: TopCandidates
    private var prepared: [Int: RefineQuery] = [:]
    private var blocks: [IDBlockKey: [UInt8]] = [:]

    init(query: [Float], metric: Metric, k: Int) {
        self.query = query
        self.metric = metric
        top = TopCandidates(capacity: k)
    }

    /// Takes candidates as they are, where there is no refine tier.
    mutating func accept(_ candidates: [Candidate]) {
        for candidate in candidates { top.offer(candidate) }
    }

    /// Compares a candidate by its refine row. Throws `corrupted` where the row does not match its checksum.
    mutating func offer(_ candidate: Candidate, _ head: ShardHead, _ bytes: ArraySlice<UInt8>)
        throws(TesseraError)
    {
        let place = NumericID(rawValue: candidate.id)
        let row = try head.refineRow(bytes, row: place.row)
        let query =
            prepared[place.shard]
            ?? RefineQuery(query[...], tier: head.refine, metric: metric)
        prepared[place.shard] = query
        top.offer(Candidate(distance: query.distance(row.span), id: candidate.id))
    }

    mutating func keep(_ block: [UInt8], _ key: IDBlockKey) {
        blocks[key] = block
    }

    /// The winners with their ids, nearest first.
    mutating func hits(_ heads: [Int: ShardHead]) throws(TesseraError) -> [Hit] {
        var hits: [Hit] = []
        for candidate in top.sorted() {
            let place = NumericID(rawValue: candidate.id)
            guard let head = heads[place.shard] else { continue }
            let idPlace = head.idPlace(row: place.row)
            let key = IDBlockKey(shard: place.shard, offset: idPlace.range.lowerBound)
            let id = try head.id(blocks[key] ?? [], at: idPlace)
            hits.append(
                Hit(
                    id: id, distance: metric.reported(candidate.distance),
                    place: place))
        }
        return hits
    }
}
