// How an index changes as it grows: fitted to measured scales, and evaluated at other sizes. The
// number of shards and lists follows the rules of training (AutomaticParameters), corrected by the
// measured sizes of cells.
//
// Misses have two parts with separate laws: neighbours in lists that are not scanned, which remain
// at the deepest refine depth, and neighbours that a shallower depth loses. Both depend on the
// number of vectors and on the size of a list, which is constant once an index has several shards.
import Catalog
import Foundation
import VectorIndex

/// The cut of an index into shards and lists, with the search defaults that follow from it.
package struct IndexCut: Sendable, Equatable, Codable {
    package var vectors: Int
    package var shards: Int
    package var lists: Int
    package var nprobe: Int
    package var refineDepth: Int
    package var probeShards: Int

    /// Applies the rules for this number of shards and lists.
    init(vectors: Int, shards: Int, lists: Int) {
        (self.vectors, self.shards, self.lists) = (vectors, shards, lists)
        nprobe = AutomaticParameters.probeCount(totalLists: lists, hasMargin: true)
        refineDepth = AutomaticParameters.refineDepth(k: 10)
        probeShards = AutomaticParameters.probeShards(
            shards: shards, totalLists: lists, probeCount: nprobe)
    }

    /// Mean number of vectors in a list.
    var listSize: Double { Double(vectors) / Double(lists) }
    var listsPerShard: Double { Double(lists) / Double(shards) }

    /// Most shards that are offered if `nprobe` lists are scanned.
    func offered(nprobe: Int) -> Double {
        let rule = SearchDefaults(
            nprobe: self.nprobe, refineDepth: refineDepth, probeShards: probeShards)
        return Double(rule.probeShards(probes: nprobe, of: shards))
    }
}

/// The laws of growth of one sample.
package struct GrowthModel: Sendable {
    private let probes: [Int]
    private let depths: [Int]
    private let laws: GrowthLaws
    private let bytes: [[Double]]
    private let shardsPerCell: Double
    private let listsOverRule: Double
    private let shardSize: Int

    /// Fits the model.
    ///
    /// - Parameters:
    ///   - scales: measured indexes, ascending by size, at least two.
    ///   - shardSize: vectors that a shard aims at.
    ///   - thinned: measurements of the shape of an index larger than all scales.
    init(_ scales: [Scale], shardSize: Int, thinned: ThinnedScales? = nil) {
        precondition(scales.count > 1, "growth shows in two scales at least")
        let last = scales[scales.count - 1]
        probes = Set(last.points.map(\.nprobe)).sorted()
        depths = Set(last.points.map(\.refineDepth)).sorted()
        laws = GrowthLaws(scales, probes: probes, depths: depths, thinned: thinned)
        self.shardSize = shardSize
        bytes = Self.fitBytes(scales)
        let cut = scales.last { $0.vectors > shardSize }
        shardsPerCell = cut.map { Double($0.shards) / Self.cells($0.vectors, shardSize) } ?? 1
        listsOverRule =
            Double(last.lists) / Self.listsByRule(Double(last.vectors), Double(last.shards))
    }

    /// The predicted cut of an index of this many vectors.
    package func cut(_ vectors: Int) -> IndexCut {
        let shards = max(1, (Self.cells(vectors, shardSize) * shardsPerCell).rounded())
        let lists = (Self.listsByRule(Double(vectors), shards) * listsOverRule).rounded()
        return IndexCut(vectors: vectors, shards: Int(shards), lists: Int(max(shards, lists)))
    }

    private static func cells(_ vectors: Int, _ shardSize: Int) -> Double {
        (Double(vectors) / Double(shardSize)).rounded(.up)
    }

    private static func listsByRule(_ vectors: Double, _ shards: Double) -> Double {
        shards * Double(AutomaticParameters.listCount(vectors: Int(vectors / shards)))
    }

    /// The predicted bytes of an index.
    package func footprint(_ cut: IndexCut) -> Footprint {
        let features = [Double(cut.vectors), Double(cut.lists)]
        let parts = bytes.map { zip($0, features).reduce(0) { $0 + $1.0 * $1.1 } }
        return Footprint(
            codes: parts[0], models: parts[1], rowsAndIDs: parts[2], stored: parts[3])
    }

    /// Coefficients of the bytes per vector and per list, for each part of the footprint.
    private static func fitBytes(_ scales: [Scale]) -> [[Double]] {
        let parts: [(Footprint) -> Double] = [
            { $0.codes }, { $0.models }, { $0.rowsAndIDs }, { $0.stored },
        ]
        return parts.map { part in
            NonNegativeFit.solve(
                scales.map { [Double($0.vectors), Double($0.lists)] },
                scales.map { part($0.footprint) })
        }
    }

    /// Probe counts for which recall can be predicted.
    package var probeRange: ClosedRange<Int> { probes[0]...probes[probes.count - 1] }
    package var refineDepths: [Int] { depths }

    /// Predicted recall of a search.
    package func recall(_ way: SearchWay, _ cut: IndexCut) -> Double {
        let missed = between(way.nprobe) { laws.unscanned(probe: $0, cut) }
        let lost = between(way.nprobe) { probe in
            Self.interpolate(depths, way.refineDepth) {
                laws.confused(probe: probe, depth: $0, cut)
            }
        }
        return max(0, 1 - missed - lost)
    }

    /// Predicted counts of the mean query.
    package func work(_ way: SearchWay, _ cut: IndexCut) -> QueryWork {
        let nprobe = Double(way.nprobe)
        let offered = max(
            1,
            cut.offered(nprobe: way.nprobe)
                * min(1, between(way.nprobe) { laws.offered(probe: $0, cut) }))
        let touched = min(nprobe, offered, between(way.nprobe) { laws.touched(probe: $0, cut) })
        let scanned = min(
            Double(cut.vectors),
            nprobe * cut.listSize * between(way.nprobe) { laws.listSize(probe: $0, cut) })
        return QueryWork(
            offered: offered, ranked: offered * cut.listsPerShard, touched: max(1, touched),
            codes: scanned, rows: depths.count > 1 ? min(Double(way.refineDepth), scanned) : 0)
    }

    /// Interpolates between the two neighbouring probe counts, linearly in logarithms.
    private func between(_ nprobe: Int, _ value: (Int) -> Double) -> Double {
        Self.interpolate(probes, nprobe, value)
    }

    /// Interpolates between steps; beyond the ends it takes the value of the end.
    private static func interpolate(
        _ steps: [Int], _ wanted: Int, _ value: (Int) -> Double
    ) -> Double {
        guard let upper = steps.firstIndex(where: { $0 >= wanted }) else {
            return value(steps.count - 1)
        }
        guard upper > 0, steps[upper] > wanted else { return value(upper) }
        let (low, high) = (value(upper - 1), value(upper))
        let share =
            log(Double(wanted) / Double(steps[upper - 1]))
            / log(Double(steps[upper]) / Double(steps[upper - 1]))
        guard low > 0, high > 0 else { return low + (high - low) * share }
        return exp(log(low) + (log(high) - log(low)) * share)
    }
}
