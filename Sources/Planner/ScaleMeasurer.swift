// Measures one index over the whole grid of probe counts and refine depths.
import Catalog
import ObjectStore
import Recall
import Reporting
import Search
import SearchTypes
import ShardFile
import TesseraBase
import VectorCore

/// An index ready to be measured: loaded, with queries and their exact neighbours.
struct LoadedScale: Sendable {
    let manifest: Manifest
    /// The store that the catalog is in.
    let base: any ObjectStore
    let catalog: Catalog
    let truth: QuerySet
    let searcher: IndexSearcher

    var index: IndexDescription { manifest.index }

    var footprint: Footprint {
        let stored =
            index.shards.reduce(index.router.bytes) { $0 + $1.bytes }
            + index.idTables.reduce(0) { $0 + $1.bytes }
        let (codes, models) = (Double(searcher.codeBytes), Double(searcher.modelBytes))
        return Footprint(
            codes: codes, models: models,
            rowsAndIDs: Double(searcher.heldBytes) - codes - models, stored: Double(stored))
    }

    var lists: Int { index.shards.reduce(0) { $0 + $1.lists } }
    var listsPerShard: Double { Double(lists) / Double(index.shards.count) }

    /// Extra results to ask for: a query that is a stored vector finds itself first, which is not
    /// counted.
    var extra: Int { truth.ownIDs == nil ? 0 : 1 }

    func options(nprobe: Int, refineDepth: Int, offeredShare: Double = 1) -> SearchOptions {
        let shards = Double(index.probeShards(probes: nprobe)) * offeredShare
        return SearchOptions(
            k: truth.k + extra, probeCount: nprobe, listMargin: index.listMargin(probes: nprobe),
            refineDepth: refineDepth + extra,
            probeShards: max(1, Int(shards.rounded(.up))))
    }
}

/// Measures recall and counts.
struct ScaleMeasurer: Sendable {
    /// No index needed more lists for any practical recall.
    private static let mostLists = 768
    /// Probe counts measured at least: a larger index may need them even if this one does not.
    private static let fewLists = 128
    /// Numbers of nearest neighbours that recall is also counted for.
    static let ranks = [1, 2, 5]

    let pool: WorkPool
    let stop: StopSign
    let progress: ProgressHandler

    func measure(_ loaded: LoadedScale) async throws(TesseraError) -> Scale {
        let ladder = RecallSweep.ladder(to: loaded.lists).filter { $0 <= Self.mostLists }
        let depths = RecallSweep.refineDepths.filter { $0 >= loaded.truth.k }
        var points: [GridPoint] = []
        var ceilings: [Double] = []
        for (step, nprobe) in ladder.enumerated() {
            var best = 0.0
            for depth in loaded.index.refine == "none" ? [loaded.truth.k] : depths {
                try stop.check()
                let point = try await point(loaded, nprobe: nprobe, refineDepth: depth)
                best = max(best, point.recall)
                points.append(point)
            }
            progress(
                ProgressUpdate(
                    phase: "measuring \(loaded.index.vectors) vectors", completed: step + 1,
                    total: ladder.count, unit: "probe counts"))
            ceilings.append(best)
            if nprobe >= Self.fewLists, RecallSweep.isFlat(ceilings) { break }
        }
        return Scale(
            vectors: loaded.index.vectors, shards: loaded.index.shards.count, lists: loaded.lists,
            queries: loaded.truth.queries.rows, footprint: loaded.footprint, points: points)
    }

    /// Recall and counts for one set of search parameters.
    ///
    /// - Parameter shares: weight of finding the nearest, the second nearest, …; nil weighs all the
    ///   same.
    func point(
        _ loaded: LoadedScale, nprobe: Int, refineDepth: Int, shares: [Double]? = nil
    ) async throws(TesseraError) -> GridPoint {
        let result = try await loaded.searcher.search(
            loaded.truth.queries,
            options: loaded.options(nprobe: nprobe, refineDepth: refineDepth), pool: pool, batch: 1)
        let right = GroundTruth(
            queries: loaded.truth.queries.rows,
            levels: [loaded.truth.k: .init(source: .stored, neighbours: loaded.truth.neighbours)])
        var sum = ReceiptSum()
        var found = 0.0
        var nearest = [Double](repeating: 0, count: Self.ranks.count)
        for (query, answer) in result.answers.enumerated() {
            let own = loaded.truth.ownIDs?[query]
            let ids = answer.hits.map(\.id).filter { $0 != own }
            sum.add(answer.receipt)
            let near = Set(ids.prefix(loaded.truth.k))
            if let shares {
                found += zip(loaded.truth.neighbours[query], shares)
                    .reduce(0) { $0 + (near.contains($1.0) ? $1.1 : 0) }
            } else {
                found += right.share(ids, of: query, k: loaded.truth.k) ?? 0
            }
            for (place, rank) in Self.ranks.enumerated() {
                let wanted = loaded.truth.neighbours[query].prefix(rank)
                nearest[place] += Double(wanted.count { near.contains($0) }) / Double(wanted.count)
            }
        }
        let count = Double(max(1, result.answers.count))
        let mean = MeanReceipt(sums: [sum])
        return GridPoint(
            nprobe: nprobe, refineDepth: refineDepth,
            recall: found / count, nearest: nearest.map { $0 / count },
            work: QueryWork(mean, listsPerShard: loaded.listsPerShard))
    }
}

extension QueryWork {
    init(_ mean: MeanReceipt, listsPerShard: Double) {
        self.init(
            offered: mean.shardsOffered, ranked: mean.shardsOffered * listsPerShard,
            touched: mean.shardsTouched, codes: mean.codesScanned, rows: mean.rowsRefined)
    }
}
