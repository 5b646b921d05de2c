// The query path in one process: route, select lists, scan codes, refine, merge, name the winners.
//
// Invariant: the answer depends on (shards, query, options) alone. Candidates are ordered by distance and then by place,
// whatever order lists are scanned in.
import ShardFile
package import TesseraBase
package import VectorCore
package import VectorIndex

/// Searches the shards of one version. Immutable; searches run on the calling thread and may run on many at once.
package struct IndexSearcher: Sendable {
    package let metric: Metric
    package let dimension: Int
    let router: Router
    /// By ordinal.
    let shards: [ResidentShard]
    private let hasRefineTier: Bool

    /// - Precondition: at least one shard, ordinals 0 to count - 1 in order, one router centroid each.
    package init(router: Router, shards: [ResidentShard]) {
        precondition(
            !shards.isEmpty && router.centroids.rows == shards.count, "one centroid a shard")
        self.router = router
        self.shards = shards
        metric = shards[0].head.metric
        dimension = shards[0].head.dimension
        hasRefineTier = shards.allSatisfy { $0.head.refine.encoding != .none }
    }

    package var vectorCount: Int { shards.reduce(0) { $0 + $1.head.vectorCount } }
    package var listCount: Int { shards.reduce(0) { $0 + $1.head.lists.count } }
    /// Bytes of packed codes in memory.
    package var codeBytes: Int { shards.reduce(0) { $0 + $1.codes.count } }
    /// Bytes of everything else kept in memory for searching.
    package var modelBytes: Int {
        shards.reduce(4 * router.centroids.elements.count) { $0 + $1.modelBytes }
    }

    /// The nearest vectors to `query` (`[dimension]`; of unit length for cosine).
    ///
    /// - Throws: `corrupted` where a stored row or id block does not match its checksum, `unavailable` where the
    ///   store fails.
    package func search(
        _ query: ArraySlice<Float>, options: SearchOptions, scratch: inout SearchScratch
    ) throws(TesseraError) -> SearchAnswer {
        var receipt = Receipt()
        let clock = ContinuousClock()
        let start = clock.now
        let transformed = transform(query)
        let probes = select(query, transformed, options, &receipt)
        let selected = clock.now
        let candidates = scan(probes, options, &scratch, &receipt)
        let scanned = clock.now
        let nearest = try refine(query, candidates, options, &scratch, &receipt)
        let refined = clock.now
        let hits = try resolve(nearest, &receipt)
        receipt.route = selected - start
        receipt.scan = scanned - selected
        receipt.refine = refined - scanned
        receipt.resolve = clock.now - refined
        return SearchAnswer(hits: hits, receipt: receipt)
    }

    private func transform(_ query: ArraySlice<Float>) -> ArraySlice<Float> {
        let matrix = Matrix(rows: 1, columns: dimension, elements: Array(query))
        return router.transform.apply(matrix).elements[...]
    }

    /// The nearest lists over all shards the router offers, nearest first.
    private func select(
        _ query: ArraySlice<Float>, _ transformed: ArraySlice<Float>, _ options: SearchOptions,
        _ receipt: inout Receipt
    ) -> [Probe] {
        let offered = router.nearest(query, metric: metric, count: options.probeShards)
        receipt.shardsOffered = offered.count
        var shifted: [Int: [Float]] = [:]
        var nearest = TopCandidates(capacity: options.probeCount)
        for ordinal in offered {
            let model = shards[ordinal].model
            let local = model.shifted(transformed)
            shifted[ordinal] = local
            for (list, distance) in model.listDistances(local).enumerated() {
                nearest.offer(
                    Candidate(
                        distance: distance, id: NumericID(shard: ordinal, row: list).rawValue))
            }
        }
        var tables: [Int: QueryTables] = [:]
        return nearest.sorted().map { candidate in
            let place = NumericID(rawValue: candidate.id)
            let shardTables =
                tables[place.shard] ?? shards[place.shard].model.tables(shifted[place.shard] ?? [])
            tables[place.shard] = shardTables
            return Probe(
                shard: place.shard, list: place.row, distance: candidate.distance,
                tables: shardTables)
        }
    }

    /// The candidates worth refining, nearest first.
    private func scan(
        _ probes: [Probe], _ options: SearchOptions, _ scratch: inout SearchScratch,
        _ receipt: inout Receipt
    ) -> [Candidate] {
        let depth = hasRefineTier ? max(options.k, options.refineDepth) : options.k
        var top = TopCandidates(capacity: depth)
        var touched = Set<Int>()
        for probe in probes {
            let shard = shards[probe.shard]
            let entry = shard.head.lists[probe.list]
            guard entry.count > 0 else { continue }
            touched.insert(probe.shard)
            receipt.listsScanned += 1
            receipt.codesScanned += entry.count
            let found = scratch.scan(shard, probe, threshold: top.threshold)
            for index in 0..<found {
                let place = NumericID(shard: probe.shard, row: Int(scratch.rows[index]))
                top.offer(Candidate(distance: scratch.distances[index], id: place.rawValue))
            }
        }
        receipt.shardsTouched = touched.count
        return top.sorted()
    }
}

/// A list to scan, and what the query knows about it.
struct Probe {
    let shard: Int
    let list: Int
    /// The distance to the list's centroid, as ``VectorIndex/SearchableModel/listDistances(_:)`` gives it.
    let distance: Float
    let tables: QueryTables
}

/// Memory a searching thread uses again and again.
package struct SearchScratch: Sendable {
    var rows: [UInt32] = []
    var distances: [Float] = []
    var bytes: [UInt8] = []

    package init() {}

    /// Scans one list; returns how many of ``rows`` and ``distances`` it filled.
    mutating func scan(_ shard: ResidentShard, _ probe: Probe, threshold: Float) -> Int {
        let entry = shard.head.lists[probe.list]
        if rows.count < entry.count {
            rows = [UInt32](repeating: 0, count: entry.count)
            distances = [Float](repeating: 0, count: entry.count)
        }
        let shape = shard.head.model.shape
        let list = ListScan(
            count: entry.count, subquantizers: shape.subquantizerCount,
            bitsPerCode: shape.bitsPerCode, hasBias: shard.head.hasBias, firstRow: entry.firstRow,
            base: probe.distance + entry.biasOffset + probe.tables.offset,
            tableStep: probe.tables.step, biasStep: entry.biasStep)
        return Self.scan(
            list, shard.codes, shard.codeRange(of: probe.list), probe.tables, threshold, &rows,
            &distances)
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
