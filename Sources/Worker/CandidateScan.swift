// Scanning lists for candidates, with memory that is used again from list to list.
import ShardFile
import VectorCore
import VectorIndex

/// Collects the nearest candidates of the lists it is shown.
struct CandidateScan {
    private var top: TopCandidates
    private var touched = Set<Int>()

    /// - Parameter depth: candidates to keep.
    init(depth: Int) {
        top = TopCandidates(capacity: depth)
    }

    /// Scans one list, whose packed codes are `codes[range]`.
    mutating func scan(
        _ probe: Probe, _ head: ShardHead, codes: [UInt8], range: Range<Int>,
        _ scratch: inout SearchScratch, _ receipt: inout Receipt
    ) {
        let entry = head.lists[probe.list]
        guard entry.count > 0 else { return }
        touched.insert(probe.shard)
        receipt.shardsTouched = touched.count
        receipt.listsScanned += 1
        receipt.codesScanned += entry.count
        let found = scratch.scan(
            probe, head, codes: codes, range: range, threshold: top.threshold)
        for index in 0..<found {
            let place = NumericID(shard: probe.shard, row: Int(scratch.rows[index]))
            top.offer(Candidate(distance: scratch.distances[index], id: place.rawValue))
        }
    }

    /// The candidates, nearest first.
    mutating func finish() -> [Candidate] {
        top.sorted()
    }
}

/// Memory a searching thread uses again and again.
package struct SearchScratch: Sendable {
    var rows: [UInt32] = []
    var distances: [Float] = []
    var bytes: [UInt8] = []

    package init() {}

    /// Scans one list; returns how many of ``rows`` and ``distances`` it filled.
    fileprivate mutating func scan(
        _ probe: Probe, _ head: ShardHead, codes: [UInt8], range: Range<Int>, threshold: Float
    ) -> Int {
        let entry = head.lists[probe.list]
        if rows.count < entry.count {
            rows = [UInt32](repeating: 0, count: entry.count)
            distances = [Float](repeating: 0, count: entry.count)
        }
        let shape = head.model.shape
        let list = ListScan(
            count: entry.count, subquantizers: shape.subquantizerCount,
            bitsPerCode: shape.bitsPerCode, hasBias: head.hasBias, firstRow: entry.firstRow,
            base: probe.distance + entry.biasOffset + probe.tables.offset,
            tableStep: probe.tables.step, biasStep: entry.biasStep)
        return Self.scan(list, codes, range, probe.tables, threshold, &rows, &distances)
    }

    private static func scan(
        _ list: ListScan, _ codes: [UInt8], _ range: Range<Int>, _ tables: QueryTables,
        _ threshold: Float, _ rows: inout [UInt32], _ distances: inout [Float]
    ) -> Int {
        let all = codes.span
        let blocks = all.extracting(range)
        var rows = rows.mutableSpan
        var distances = distances.mutableSpan
        guard list.bitsPerCode == 4 else {
            return list.scan(
                blocks: blocks, floatTables: tables.floats.span, threshold: threshold,
                rows: &rows, distances: &distances)
        }
        return list.scan(
            blocks: blocks, byteTables: tables.bytes.span, threshold: threshold,
            rows: &rows, distances: &distances)
    }
}
