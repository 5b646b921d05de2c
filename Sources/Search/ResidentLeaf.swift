// The leaf of a search where the codes of all its shards are in memory: scan, refine, resolve, on
// the calling thread.
//
// Invariant: the answer depends on (shards, lists, query, options, filter) alone: lists are scanned
// in the order of their distance, whatever else is searched.
import SearchTypes
import TesseraBase
import VectorCore
import VectorIndex

/// Shards in memory, by ordinal.
protocol ShardTable: Sendable {
    /// The external ids of a shard; nil where they are not in memory.
    func ids(_ ordinal: Int) -> IDView?
    func shard(_ ordinal: Int) -> ResidentShard?
}

/// Scans and refines in one set of shards.
struct ResidentLeaf<Table: ShardTable>: Sendable {
    let table: Table
    let metric: Metric
    let refines: Bool

    /// Searches chosen lists.
    ///
    /// - Parameters:
    ///   - isShared: the candidates are cut later, together with those of the query's other
    ///     requests.
    ///   - receipt: what choosing the lists cost.
    /// - Throws: `corrupted` where a stored row or id block does not match its checksum,
    ///   `unavailable` where the store fails.
    func search(
        _ chosen: consuming ChosenLists, _ options: SearchOptions, filter: RowFilter?,
        isShared: Bool = false, _ scratch: inout SearchScratch, _ receipt: consuming Receipt
    ) throws(TesseraError) -> LeafAnswer {
        var watch = Stopwatch()
        var scanning = chosen.beginScan(
            depth: options.candidateDepth(refines: refines), refines: refines, filter: filter)
        scanning.scanResident(&scratch.arena)
        receipt.scan = watch.lap()
        return try answer(
            scanning.candidates(&scratch.arena), options, isShared: isShared, &scratch, receipt)
    }

    /// Re-ranks candidates and resolves the ids of the nearest.
    func answer(
        _ candidates: consuming Candidates, _ options: SearchOptions, isShared: Bool = false,
        _ scratch: inout SearchScratch, _ receipt: consuming Receipt
    ) throws(TesseraError) -> LeafAnswer {
        var watch = Stopwatch()
        let nearest = try refine(candidates, options, isShared: isShared, &scratch, &receipt)
        prefetchIDs(nearest)
        receipt.count(nearest)
        receipt.refine = watch.lap()
        let hits = try resolve(nearest.candidates, &receipt)
        receipt.resolve = watch.lap()
        let cuts = isShared && refines ? nearest.cuts : nil
        nearest.finish(&scratch.arena)
        return LeafAnswer(answer: SearchAnswer(hits: hits, receipt: receipt), cuts: cuts)
    }

    private func refine(
        _ candidates: consuming Candidates, _ options: SearchOptions, isShared: Bool,
        _ scratch: inout SearchScratch, _ receipt: inout Receipt
    ) throws(TesseraError) -> Nearest {
        guard refines else { return candidates.unrefined(k: options.k) }
        if !candidates.findResidentRows() {
            try readRows(&candidates, &scratch.buffer, &receipt)
        }
        if isShared { return candidates.refineForCuts(k: options.k) }
        let firstPass = candidates.compareCoarsely(k: options.k)
        prefetchPlaces(firstPass)
        return firstPass.compareWhole(k: options.k)
    }

    /// The ids of the nearest, in their order; only the id blocks they are in are read.
    func resolve(_ nearest: [Candidate], _ receipt: inout Receipt) throws(TesseraError) -> [Hit] {
        var blocks: [IDBlockKey: [UInt8]] = [:]
        var hits: [Hit] = []
        hits.reserveCapacity(nearest.count)
        for candidate in nearest {
            let place = NumericID(rawValue: candidate.id)
            let id: String
            if let resident = table.ids(place.shard)?[place.row] {
                id = resident
            } else {
                id = try storedID(place, &blocks, &receipt)
            }
            hits.append(Hit(id: id, distance: metric.reported(candidate.distance), place: place))
        }
        return hits
    }
}

/// The answer to a leaf request.
struct LeafAnswer: Sendable {
    var answer: SearchAnswer
    /// What it takes to cut the candidates later; nil where the request stands alone.
    var cuts: CutEstimates?
}

extension ResidentLeaf {
    /// Prefetches where the ids are of the candidates of the second pass.
    func prefetchPlaces(_ firstPass: borrowing FirstPass) {
        for index in 0..<firstPass.fineCount { prefetchPlace(firstPass.finePlace(index)) }
    }

    /// Prefetches the ids of the nearest, after ``prefetchPlaces(_:)``.
    func prefetchIDs(_ nearest: borrowing Nearest) {
        let candidates = nearest.candidates
        if nearest.fineCount == 0 {
            for candidate in candidates { prefetchPlace(NumericID(rawValue: candidate.id)) }
        }
        for candidate in candidates {
            let place = NumericID(rawValue: candidate.id)
            table.ids(place.shard)?.prefetch(row: place.row)
        }
    }

    private func prefetchPlace(_ place: NumericID) {
        table.ids(place.shard)?.prefetchPlace(row: place.row)
    }
}

extension Receipt {
    /// Counts what the stages of a query did.
    mutating func count(_ nearest: borrowing Nearest) {
        let counts = nearest.counts
        shardsOffered = nearest.slotCount
        shardsTouched = nearest.touchedCount
        listsScanned = counts.listsScanned
        listsSkipped = counts.listsSkipped
        codesScanned = counts.codesScanned
        rowsRefined = counts.rowsRefined
    }
}
