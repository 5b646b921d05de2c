// The second half of a search whose lists are chosen: each list is scanned, each candidate refined and each winner named
// from memory where its shard is there, and else from what is read for it. The answer is the same.
import ObjectStore
import SearchTypes
import ShardFile
import TesseraBase
import VectorCore
import VectorIndex

/// The shards a search touches, by ordinal.
struct TouchedShards: Sendable {
    /// Of every shard on offer.
    let heads: [Int: ShardHead]
    /// Those in memory. Whoever searches keeps them alive.
    let residents: [Int: ResidentShard]
}

extension ColdRun {
    /// The shards the chosen lists lie in, in the order their first list comes.
    var chosenShards: [Int] {
        var seen: Set<Int> = []
        return (0..<run.probeCount).compactMap { probe in
            let ordinal = run.ordinal(slot: run.probe(probe).slot)
            return seen.insert(ordinal).inserted ? ordinal : nil
        }
    }
}

/// Scans chosen lists and refines what they hold.
struct ListSearch: Sendable {
    let metric: Metric
    let hasRefineTier: Bool
    let reads: ColdReads
    let pool: WorkPool

    /// Brings the chosen lists and scans them, nearest first; as many at a time as the memory budget holds.
    func scan(
        _ search: ColdRun, _ shards: TouchedShards, _ options: SearchOptions,
        _ receipt: inout Receipt
    ) async throws(TesseraError) {
        place(shards.residents, search)
        search.run.beginScan(
            depth: options.candidateDepth(refines: hasRefineTier), refines: hasRefineTier)
        var first = 0
        while first < search.run.probeCount {
            var portion: [ListRead] = []
            var size: UInt64 = 0
            while first < search.run.probeCount, let read = ListRead(search, first, shards.heads),
                portion.isEmpty || size + read.bytes <= reads.memoryBudget
            {
                if !read.range.isEmpty { portion.append(read) }
                size += read.bytes
                first += 1
            }
            try await scan(search, portion, &receipt)
        }
        let cost = receipt
        receipt.count(search.run, refines: hasRefineTier)
        receipt.reads = cost.reads
        try await pool.run { search.run.chooseCandidates() }
    }

    /// Shows the run the shards that are in memory.
    private func place(_ residents: [Int: ResidentShard], _ search: ColdRun) {
        guard !residents.isEmpty else { return }
        for slot in 0..<search.run.slotCount {
            if let shard = residents[search.run.ordinal(slot: slot)] {
                search.run.place(shard.view, slot: slot)
            }
        }
    }

    private func scan(_ search: ColdRun, _ portion: [ListRead], _ receipt: inout Receipt)
        async throws(TesseraError)
    {
        let missing = portion.indices.filter { !portion[$0].isResident }
        var codes = [[UInt8]](repeating: [], count: portion.count)
        try await reads.forEach(missing.map { portion[$0].wanted }, &receipt) {
            index, bytes async throws(TesseraError) in
            let read = portion[missing[index]]
            try read.head.check(codes: bytes, of: read.list)
            codes[missing[index]] = Array(bytes)
        }
        let brought = codes
        try await pool.run {
            for (read, codes) in zip(portion, brought) {
                if read.isResident {
                    search.run.scanResident(read.probe)
                } else {
                    search.run.scan(read.probe, codes: codes.span)
                }
            }
        }
    }

    /// A chosen list and where it is.
    private struct ListRead: Sendable {
        let probe: Int
        let list: Int
        let head: ShardHead
        let isResident: Bool

        init?(_ search: ColdRun, _ probe: Int, _ heads: [Int: ShardHead]) {
            let place = search.run.probe(probe)
            guard let head = heads[search.run.ordinal(slot: place.slot)] else { return nil }
            self.probe = probe
            list = place.list
            self.head = head
            isResident = search.run.isResident(probe: probe)
        }

        var range: Range<UInt64> { head.lists[list].codes }
        var wanted: WantedRange { WantedRange(key: head.name, range: range) }
        /// That have to be read.
        var bytes: UInt64 { isResident ? 0 : UInt64(range.count) }
    }

    /// Refines the candidates and names the winners, in one round trip: a row and its id lie together.
    ///
    /// - Parameter cuts: the candidates may be cut later: they are a part of a query's.
    func refine(
        _ search: ColdRun, _ shards: TouchedShards, _ options: SearchOptions,
        _ receipt: inout Receipt, cuts: Bool = false
    ) async throws(TesseraError) -> [Hit] {
        var pieces: [Piece] = []
        var wanted: [WantedRange] = []
        var blocks: [IDBlockKey: [UInt8]] = [:]
        for number in 0..<search.run.candidateCount {
            let place = search.run.candidate(number)
            guard let head = shards.heads[place.shard] else { continue }
            if number == 0 { search.run.expectRows(of: head.refine.encoding) }
            if !search.run.useResidentRow(candidate: number),
                let range = head.refineRange(row: place.row)
            {
                pieces.append(.row(number, place.row, head))
                wanted.append(WantedRange(key: head.name, range: range))
            }
            guard shards.residents[place.shard]?.ids == nil else { continue }
            let idPlace = head.idPlace(row: place.row)
            let key = IDBlockKey(shard: place.shard, offset: idPlace.range.lowerBound)
            if blocks.updateValue([], forKey: key) == nil {
                pieces.append(.ids(key, idPlace, head))
                wanted.append(WantedRange(key: head.name, range: idPlace.range))
            }
        }
        try await reads.forEach(wanted, &receipt) { index, bytes async throws(TesseraError) in
            switch pieces[index] {
            case .row(let number, let row, let head):
                search.run.store(try head.refineRow(bytes, row: row), candidate: number)
            case .ids(let key, let place, let head):
                try head.check(idBlock: bytes, at: place)
                blocks[key] = Array(bytes)
            }
        }
        try await pool.run { [hasRefineTier] in
            search.run.answer(k: options.k, refines: hasRefineTier, cuts: cuts)
        }
        return try hits(search.run.nearest, shards, blocks)
    }

    /// The winners with their ids, nearest first.
    private func hits(
        _ nearest: [Candidate], _ shards: TouchedShards, _ blocks: [IDBlockKey: [UInt8]]
    ) throws(TesseraError) -> [Hit] {
        var hits: [Hit] = []
        for candidate in nearest {
            let place = NumericID(rawValue: candidate.id)
            guard let head = shards.heads[place.shard] else { continue }
            let id: String
            if let ids = shards.residents[place.shard]?.ids {
                id = ids.view[place.row]
            } else {
                let idPlace = head.idPlace(row: place.row)
                let key = IDBlockKey(shard: place.shard, offset: idPlace.range.lowerBound)
                id = try head.id(blocks[key] ?? [], at: idPlace)
            }
            hits.append(Hit(id: id, distance: metric.reported(candidate.distance), place: place))
        }
        return hits
    }

    private enum Piece {
        case row(Int, Int, ShardHead)
        case ids(IDBlockKey, IDPlace, ShardHead)
    }

    /// An id block of a shard.
    private struct IDBlockKey: Hashable {
        let shard: Int
        let offset: UInt64
    }
}
