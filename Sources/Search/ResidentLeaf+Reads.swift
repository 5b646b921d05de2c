// Reading refine rows and ids of shards whose codes alone are in memory.
import ObjectStore
import SearchTypes
import ShardFile
import TesseraBase
import VectorCore
import VectorIndex

/// An id block of a shard.
struct IDBlockKey: Hashable {
    let shard: Int
    let offset: UInt64
}

extension ResidentLeaf {
    /// Rows at most this many bytes apart in the object are read together.
    private var readGap: UInt64 { 4096 }

    /// Reads the candidates' rows, shard by shard in the order they lie.
    func readRows(
        _ candidates: inout Candidates, _ buffer: inout SearchBytes, _ receipt: inout Receipt
    ) throws(TesseraError) {
        guard candidates.count > 0 else { return }
        var byPlace: [(place: NumericID, number: Int)] = []
        for number in 0..<candidates.count { byPlace.append((candidates.place(number), number)) }
        byPlace.sort { $0.place < $1.place }
        var next = 0
        while next < byPlace.count {
            let ordinal = byPlace[next].place.shard
            let end = byPlace[next...].firstIndex { $0.place.shard != ordinal } ?? byPlace.count
            guard let shard = table.shard(ordinal) else {
                preconditionFailure("candidates come from the leaf's shards")
            }
            if next == 0 { candidates.expectRows(of: shard.head.refine.encoding) }
            try readRows(of: shard, byPlace[next..<end], &candidates, &buffer, &receipt)
            next = end
        }
    }

    private func readRows(
        of shard: ResidentShard, _ places: ArraySlice<(place: NumericID, number: Int)>,
        _ candidates: inout Candidates, _ buffer: inout SearchBytes, _ receipt: inout Receipt
    ) throws(TesseraError) {
        let wanted = places.compactMap { candidate in
            shard.head.refineRange(row: candidate.place.row).map { (candidate, $0) }
        }
        var first = 0
        while first < wanted.count {
            var last = first
            while last + 1 < wanted.count,
                wanted[last + 1].1.lowerBound - wanted[last].1.upperBound <= readGap
            {
                last += 1
            }
            let run = wanted[first].1.lowerBound..<wanted[last].1.upperBound
            try buffer.read(run, from: shard, &receipt)
            for (candidate, range) in wanted[first...last] {
                let start = Int(range.lowerBound - run.lowerBound)
                let row = try shard.head.refineRow(
                    buffer.bytes[start..<start + range.count], row: candidate.place.row)
                candidates.store(row, candidate: candidate.number)
            }
            first = last + 1
        }
    }

    func storedID(
        _ place: NumericID, _ blocks: inout [IDBlockKey: [UInt8]], _ receipt: inout Receipt
    ) throws(TesseraError) -> String {
        guard let shard = table.shard(place.shard) else {
            preconditionFailure("candidates come from the leaf's shards")
        }
        let idPlace = shard.head.idPlace(row: place.row)
        let key = IDBlockKey(shard: place.shard, offset: idPlace.range.lowerBound)
        if blocks[key] == nil {
            var buffer = SearchBytes()
            try buffer.read(idPlace.range, from: shard, &receipt)
            blocks[key] = Array(buffer.bytes[..<idPlace.range.count])
        }
        return try shard.head.id(blocks[key] ?? [], at: idPlace)
    }
}
