// The second half of a search where rows and ids are not in memory: reading them.
import ObjectStore
import SearchTypes
import ShardFile
import TesseraBase
import VectorCore
import VectorIndex

extension IndexSearcher {
    /// Rows whose distance in the object is at most this many bytes are read together.
    private static let readGap: UInt64 = 4096

    /// Brings the candidates' rows, shard by shard in the order they lie.
    func readRows(_ scratch: inout SearchScratch, _ receipt: inout Receipt) throws(TesseraError) {
        guard scratch.run.candidateCount > 0 else { return }
        var byPlace: [(place: NumericID, number: Int)] = []
        for number in 0..<scratch.run.candidateCount {
            byPlace.append((scratch.run.candidate(number), number))
        }
        byPlace.sort { $0.place < $1.place }
        scratch.run.expectRows(of: shards[byPlace[0].place.shard].head.refine.encoding)
        var next = 0
        while next < byPlace.count {
            let ordinal = byPlace[next].place.shard
            let end =
                byPlace[next...].firstIndex { $0.place.shard != ordinal } ?? byPlace.count
            try readRows(of: shards[ordinal], byPlace[next..<end], &scratch, &receipt)
            next = end
        }
    }

    private func readRows(
        of shard: ResidentShard, _ candidates: ArraySlice<(place: NumericID, number: Int)>,
        _ scratch: inout SearchScratch, _ receipt: inout Receipt
    ) throws(TesseraError) {
        let wanted = candidates.compactMap { candidate in
            shard.head.refineRange(row: candidate.place.row).map { (candidate, $0) }
        }
        var first = 0
        while first < wanted.count {
            var last = first
            while last + 1 < wanted.count,
                wanted[last + 1].1.lowerBound - wanted[last].1.upperBound <= Self.readGap
            {
                last += 1
            }
            let run = wanted[first].1.lowerBound..<wanted[last].1.upperBound
            try scratch.buffer.read(run, from: shard, &receipt)
            for (candidate, range) in wanted[first...last] {
                let start = Int(range.lowerBound - run.lowerBound)
                let row = try shard.head.refineRow(
                    scratch.buffer.bytes[start..<start + range.count], row: candidate.place.row)
                scratch.run.store(row, candidate: candidate.number)
            }
            first = last + 1
        }
    }

    /// The external ids of the winners, in their order; only the blocks they are in are read.
    func resolve(_ nearest: [Candidate], _ receipt: inout Receipt) throws(TesseraError) -> [Hit] {
        var blocks: [BlockKey: [UInt8]] = [:]
        var hits: [Hit] = []
        hits.reserveCapacity(nearest.count)
        for candidate in nearest {
            let place = NumericID(rawValue: candidate.id)
            let id: String
            if let resident = ids[place.shard]?[place.row] {
                id = resident
            } else {
                id = try storedID(place, &blocks, &receipt)
            }
            hits.append(Hit(id: id, distance: metric.reported(candidate.distance), place: place))
        }
        return hits
    }

    /// Asks for what says where the ids are of those that are compared by their whole rows.
    func askForPlaces(_ run: borrowing QueryRun) {
        for index in 0..<run.fineCount { askForPlace(run.fineCandidate(index)) }
    }

    /// Asks for the winners' ids, after ``askForPlaces(_:)``.
    func askForIds(_ run: borrowing QueryRun) {
        if run.fineCount == 0 {
            for candidate in run.nearest { askForPlace(NumericID(rawValue: candidate.id)) }
        }
        for candidate in run.nearest {
            let place = NumericID(rawValue: candidate.id)
            ids[place.shard]?.prefetch(row: place.row)
        }
    }

    private func askForPlace(_ place: NumericID) {
        ids[place.shard]?.prefetchPlace(row: place.row)
    }

    private func storedID(
        _ place: NumericID, _ blocks: inout [BlockKey: [UInt8]], _ receipt: inout Receipt
    ) throws(TesseraError) -> String {
        let shard = shards[place.shard]
        let idPlace = shard.head.idPlace(row: place.row)
        let key = BlockKey(shard: place.shard, offset: idPlace.range.lowerBound)
        if blocks[key] == nil {
            var buffer = SearchBytes()
            try buffer.read(idPlace.range, from: shard, &receipt)
            blocks[key] = Array(buffer.bytes[..<idPlace.range.count])
        }
        return try shard.head.id(blocks[key] ?? [], at: idPlace)
    }

    private struct BlockKey: Hashable {
        let shard: Int
        let offset: UInt64
    }
}
