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
    private let selection: ListSelection
    /// By ordinal.
    let shards: [ResidentShard]
    private let hasRefineTier: Bool

    /// - Precondition: at least one shard, ordinals 0 to count - 1 in order, one router centroid each.
    package init(router: Router, shards: [ResidentShard]) {
        precondition(
            !shards.isEmpty && router.centroids.rows == shards.count, "one centroid a shard")
        self.shards = shards
        metric = shards[0].head.metric
        selection = ListSelection(router: router, metric: metric)
        dimension = shards[0].head.dimension
        hasRefineTier = shards.allSatisfy { $0.head.refine.encoding != .none }
    }

    package var vectorCount: Int { shards.reduce(0) { $0 + $1.head.vectorCount } }
    package var listCount: Int { shards.reduce(0) { $0 + $1.head.lists.count } }
    /// Bytes of packed codes in memory.
    package var codeBytes: Int { shards.reduce(0) { $0 + $1.codes.count } }
    /// Bytes of everything else kept in memory for searching.
    package var modelBytes: Int {
        shards.reduce(4 * selection.router.centroids.elements.count) { $0 + $1.open.bytes }
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
        let offered = selection.offered(query, options)
        receipt.shardsOffered = offered.count
        let probes = selection.probes(query, in: offered.map { shards[$0].open }, options)
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

    /// The candidates worth refining, nearest first.
    private func scan(
        _ probes: [Probe], _ options: SearchOptions, _ scratch: inout SearchScratch,
        _ receipt: inout Receipt
    ) -> [Candidate] {
        var scan = CandidateScan(
            depth: options.candidateDepth(refines: hasRefineTier))
        for probe in probes {
            let shard = shards[probe.shard]
            scan.scan(
                probe, shard.head, codes: shard.codes, range: shard.codeRange(of: probe.list),
                &scratch, &receipt)
        }
        return scan.finish()
    }
}
