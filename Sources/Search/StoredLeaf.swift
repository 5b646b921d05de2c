// The leaf of a search whose shards are not all in memory: lists, rows and ids come from memory
// where their shard is there, and are read otherwise: two round trips, whatever the size of the
// index.
import ObjectStore
import SearchTypes
import ShardFile
import TesseraBase
import VectorCore
import VectorIndex

/// A query that goes from thread to thread, but never on two at once: each step is awaited.
private final class TravellingQuery: @unchecked Sendable {
    var arena = QueryArena()
    var scanning: Scanning?
    var candidates: Candidates?
    var nearest: Nearest?
}

/// The shards of a request.
struct RequestShards: Sendable {
    /// Shards in memory, kept alive by the caller.
    let residents: [Int: ResidentShard]
    /// All other shards, opened.
    let opened: [Int: OpenShard]

    func head(_ ordinal: Int) -> ShardHead? {
        residents[ordinal]?.head ?? opened[ordinal]?.head
    }

    /// The shard as the stages see it, valid as long as this lives.
    func view(_ ordinal: Int) -> ShardView? {
        residents[ordinal]?.view ?? opened[ordinal].map { $0.model.view(ordinal: ordinal) }
    }
}

/// Scans and refines from what is in memory and what is read.
struct StoredLeaf: Sendable {
    let objects: VersionObjects
    let reads: ColdReads
    let pool: WorkPool

    /// Searches one request. `begin` makes the query's lists of the shards' views.
    func search(
        _ shards: RequestShards, _ options: SearchOptions, filter: RowFilter?, isShared: Bool,
        _ receipt: consuming Receipt,
        begin: @escaping @Sendable (inout QueryArena) -> ChosenLists
    ) async throws(TesseraError) -> LeafAnswer {
        var watch = Stopwatch()
        defer { withExtendedLifetime((shards, filter)) {} }
        let query = TravellingQuery()
        let refines = objects.refines
        query.scanning = begin(&query.arena).beginScan(
            depth: options.candidateDepth(refines: refines), refines: refines, filter: filter)
        try await scan(query, shards, &receipt)
        receipt.scan = watch.lap()
        let blocks = try await readRowsAndIDs(query, shards, &receipt)
        try await pool.run {
            guard let candidates = query.candidates.take() else { return }
            query.nearest =
                !refines
                ? candidates.unrefined(k: options.k)
                : isShared
                    ? candidates.refineForCuts(k: options.k)
                    : candidates.compareCoarsely(k: options.k).compareWhole(k: options.k)
        }
        guard let nearest = query.nearest.take() else { preconditionFailure("a stage is missing") }
        receipt.count(nearest)
        let hits = try hits(nearest.candidates, shards, blocks)
        let cuts = isShared && refines ? nearest.cuts : nil
        receipt.refine = watch.lap()
        return LeafAnswer(answer: SearchAnswer(hits: hits, receipt: receipt), cuts: cuts)
    }

    /// Reads the chosen lists and scans them, nearest first; as many at a time as the memory budget
    /// holds.
    private func scan(
        _ query: TravellingQuery, _ shards: RequestShards, _ receipt: inout Receipt
    ) async throws(TesseraError) {
        let count = query.scanning?.count ?? 0
        let lists = (0..<count).compactMap { ListRead(query, $0, shards) }
        var first = 0
        repeat {
            var portion: [ListRead] = []
            var size: UInt64 = 0
            while first < lists.count,
                portion.isEmpty || size + lists[first].bytes <= reads.memoryBudget
            {
                if !lists[first].range.isEmpty { portion.append(lists[first]) }
                size += lists[first].bytes
                first += 1
            }
            try await scan(query, portion, isLast: first == lists.count, &receipt)
        } while first < lists.count
    }

    /// Scans a portion, and picks the candidates after the last one.
    private func scan(
        _ query: TravellingQuery, _ portion: [ListRead], isLast: Bool, _ receipt: inout Receipt
    ) async throws(TesseraError) {
        let missing = portion.indices.filter { !portion[$0].isResident }
        var codes = [[UInt8]](repeating: [], count: portion.count)
        try await reads.forEach(missing.map { portion[$0].wanted }, &receipt) {
            index, bytes async throws(TesseraError) in
            let read = portion[missing[index]]
            try read.head.check(codes: bytes, of: read.list)
            codes[missing[index]] = Array(bytes)
        }
        let read = codes
        try await pool.run {
            for (list, codes) in zip(portion, read) {
                if list.isResident {
                    query.scanning?.scanResident(list.probe, &query.arena)
                } else {
                    query.scanning?.scan(list.probe, codes: codes.span, &query.arena)
                }
            }
            if isLast { query.candidates = query.scanning.take()?.candidates(&query.arena) }
        }
    }

    /// A chosen list and where it is.
    private struct ListRead: Sendable {
        let probe: Int
        let list: Int
        let head: ShardHead
        let isResident: Bool

        init?(_ query: TravellingQuery, _ probe: Int, _ shards: RequestShards) {
            guard let (shard, list) = query.scanning?[probe], let head = shards.head(shard),
                let isResident = query.scanning?.isResident(probe)
            else { return nil }
            self.probe = probe
            self.list = list
            self.head = head
            self.isResident = isResident
        }

        var range: Range<UInt64> { head.lists[list].codes }
        var wanted: WantedRange { WantedRange(key: head.name, range: range) }
        /// Bytes that have to be read.
        var bytes: UInt64 { isResident ? 0 : UInt64(range.count) }
    }
}

extension StoredLeaf {
    private enum Piece {
        case row(candidate: Int, row: Int, ShardHead)
        case ids(IDBlockKey, IDPlace, ShardHead)
    }

    /// Reads the candidates' rows and ids in one round trip: a row and its id lie together. Returns
    /// the id blocks.
    private func readRowsAndIDs(
        _ query: TravellingQuery, _ shards: RequestShards, _ receipt: inout Receipt
    ) async throws(TesseraError) -> [IDBlockKey: [UInt8]] {
        var pieces: [Piece] = []
        var wanted: [WantedRange] = []
        var blocks: [IDBlockKey: [UInt8]] = [:]
        for number in 0..<(query.candidates?.count ?? 0) {
            guard let place = query.candidates?.place(number),
                let head = shards.head(place.shard)
            else { continue }
            if number == 0 { query.candidates?.expectRows(of: head.refine.encoding) }
            if query.candidates?.useResidentRow(number) == false,
                let range = head.refineRange(row: place.row)
            {
                pieces.append(.row(candidate: number, row: place.row, head))
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
                query.candidates?.store(try head.refineRow(bytes, row: row), candidate: number)
            case .ids(let key, let place, let head):
                try head.check(idBlock: bytes, at: place)
                blocks[key] = Array(bytes)
            }
        }
        return blocks
    }

    /// The nearest with their ids, nearest first.
    private func hits(
        _ nearest: [Candidate], _ shards: RequestShards, _ blocks: [IDBlockKey: [UInt8]]
    ) throws(TesseraError) -> [Hit] {
        var hits: [Hit] = []
        for candidate in nearest {
            let place = NumericID(rawValue: candidate.id)
            guard let head = shards.head(place.shard) else { continue }
            let id: String
            if let ids = shards.residents[place.shard]?.ids {
                id = ids.view[place.row]
            } else {
                let idPlace = head.idPlace(row: place.row)
                let key = IDBlockKey(shard: place.shard, offset: idPlace.range.lowerBound)
                id = try head.id(blocks[key] ?? [], at: idPlace)
            }
            hits.append(
                Hit(
                    id: id, distance: objects.metric.reported(candidate.distance), place: place))
        }
        return hits
    }
}
