// The second half of a search: finer distances for the candidates, and names for the winners.
import ObjectStore
import ShardFile
import TesseraBase
import VectorCore
import VectorIndex

extension IndexSearcher {
    /// Rows whose distance in the object is at most this many bytes are read together.
    private static let readGap: UInt64 = 4096

    /// The `k` nearest of `candidates` by the refine tier, or the first `k` where there is none.
    func refine(
        _ query: ArraySlice<Float>, _ candidates: [Candidate], _ options: SearchOptions,
        _ scratch: inout SearchScratch, _ receipt: inout Receipt
    ) throws(TesseraError) -> [Candidate] {
        var top = TopCandidates(capacity: options.k)
        let byPlace = candidates.sorted { $0.id < $1.id }
        var next = 0
        while next < byPlace.count {
            let ordinal = NumericID(rawValue: byPlace[next].id).shard
            let end =
                byPlace[next...].firstIndex { NumericID(rawValue: $0.id).shard != ordinal }
                ?? byPlace.count
            let shard = shards[ordinal]
            if shard.head.refine.encoding == .none {
                byPlace[next..<end].forEach { top.offer($0) }
            } else {
                let prepared = RefineQuery(query, tier: shard.head.refine, metric: metric)
                try refine(prepared, byPlace[next..<end], shard, &top, &scratch, &receipt)
            }
            next = end
        }
        return top.sorted()
    }

    private func refine(
        _ query: RefineQuery, _ candidates: ArraySlice<Candidate>, _ shard: ResidentShard,
        _ top: inout TopCandidates, _ scratch: inout SearchScratch, _ receipt: inout Receipt
    ) throws(TesseraError) {
        receipt.rowsRefined += candidates.count
        let rows = candidates.map { NumericID(rawValue: $0.id).row }
        let ranges = rows.compactMap { shard.head.refineRange(row: $0) }
        var first = 0
        while first < ranges.count {
            var last = first
            while last + 1 < ranges.count,
                ranges[last + 1].lowerBound - ranges[last].upperBound <= Self.readGap
            {
                last += 1
            }
            let run = ranges[first].lowerBound..<ranges[last].upperBound
            try scratch.read(run, from: shard, &receipt)
            for index in first...last {
                let start = Int(ranges[index].lowerBound - run.lowerBound)
                let bytes = scratch.bytes[start..<start + ranges[index].count]
                let row = try shard.head.refineRow(bytes, row: rows[index])
                let id = candidates[candidates.startIndex + index].id
                top.offer(Candidate(distance: query.distance(row.span), id: id))
            }
            first = last + 1
        }
    }

    /// The external ids of the winners, in their order; only the blocks they are in are read.
    func resolve(_ nearest: [Candidate], _ receipt: inout Receipt) throws(TesseraError) -> [Hit] {
        var blocks: [BlockKey: [UInt8]] = [:]
        var hits: [Hit] = []
        var scratch = SearchScratch()
        for candidate in nearest {
            let place = NumericID(rawValue: candidate.id)
            let shard = shards[place.shard]
            let idPlace = shard.head.idPlace(row: place.row)
            let key = BlockKey(shard: place.shard, offset: idPlace.range.lowerBound)
            if blocks[key] == nil {
                try scratch.read(idPlace.range, from: shard, &receipt)
                blocks[key] = Array(scratch.bytes[..<idPlace.range.count])
            }
            let id = try shard.head.id(blocks[key] ?? [], at: idPlace)
            hits.append(
                Hit(id: id, distance: metric.reported(candidate.distance), place: place))
        }
        return hits
    }

    private struct BlockKey: Hashable {
        let shard: Int
        let offset: UInt64
    }
}
