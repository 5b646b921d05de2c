// The curves of a GrowthModel: one power law for every probe count (and depth) of the grid.
import Foundation

/// The fitted laws of one sample.
struct GrowthLaws: Sendable {
    /// Weight of an observation in which all shards are offered or touched anyway, since it says
    /// little about growth.
    private static let saturated = 1e-6
    /// Misses follow the law only if there are this many times more lists than are scanned.
    private static let coverage = 4

    /// Vectors of the largest scale, and the logarithm of its ratio to the smallest.
    private let largest: Double
    private let stretch: Double
    private let mostProbes: Int
    private let probes: [Int]
    private let depths: [Int]
    private let unscannedLaw: PooledPowerLaw
    private let confusedLaw: PooledPowerLaw
    private let listSizeLaw: PooledPowerLaw
    private let offeredLaw: PooledPowerLaw
    private let touchedLaw: PooledPowerLaw
    private var gaps: LawGaps?

    /// Fits the laws.
    ///
    /// - Parameters:
    ///   - probes: probe counts of the largest scale, ascending.
    ///   - depths: refine depths of the largest scale, ascending.
    ///   - thinned: measurements of the shape of an index larger than all scales.
    init(_ scales: [Scale], probes: [Int], depths: [Int], thinned: ThinnedScales?) {
        (self.probes, self.depths) = (probes, depths)
        let largest = Double(scales[scales.count - 1].vectors)
        let stretch = log(largest / Double(scales[0].vectors))
        let mostProbes = max(1, scales[scales.count - 2].lists / Self.coverage)
        (self.largest, self.stretch, self.mostProbes) = (largest, stretch, mostProbes)
        var unscanned: [PooledPowerLaw.Observation] = []
        var confused: [PooledPowerLaw.Observation] = []
        var sizes: [PooledPowerLaw.Observation] = []
        var offered: [PooledPowerLaw.Observation] = []
        var touched: [PooledPowerLaw.Observation] = []
        for scale in scales {
            let cut = scale.cut
            // Larger scales weigh more: they are nearer to the size that will be asked about.
            let trust = Double(scale.vectors)
            let size = LogarithmicSize(
                cut, largest: largest, stretch: stretch, mostProbes: mostProbes)
            for (place, nprobe) in probes.enumerated() {
                guard let deepest = scale.point(nprobe, depths[depths.count - 1]),
                    let seen = scale.sight(nprobe, deepest: depths[depths.count - 1])
                else { continue }
                func observe(
                    _ terms: [Double], _ value: Double, _ weight: Double
                ) -> PooledPowerLaw.Observation {
                    PooledPowerLaw.Observation(
                        cell: place, terms: terms, value: value, weight: weight * trust)
                }
                let straight = size.straight(nprobe)
                let missed = seen.missed
                // If most lists are scanned, little can be missed whatever the law.
                let free = Self.coverage * nprobe <= scale.lists || scale == scales.last
                unscanned.append(
                    observe(size.bent(nprobe), missed, free ? missed : missed * Self.saturated))
                sizes.append(observe(straight, seen.listSize, 1))
                let most = cut.offered(nprobe: nprobe)
                offered.append(
                    observe(
                        straight, seen.offered,
                        most < Double(scale.shards) ? 1 : Self.saturated))
                touched.append(
                    observe(
                        Array(straight.prefix(2)), seen.touched,
                        scale.shards > 2 ? 1 : Self.saturated))
                for (number, depth) in depths.enumerated().dropLast() {
                    guard let point = scale.point(nprobe, depth) else { continue }
                    let lost = scale.counted(deepest.recall - point.recall)
                    confused.append(
                        PooledPowerLaw.Observation(
                            cell: place * depths.count + number,
                            terms: size.straight(nprobe, depth), value: lost,
                            weight: lost * trust))
                }
            }
        }
        unscannedLaw = PooledPowerLaw(unscanned)
        confusedLaw = PooledPowerLaw(confused)
        listSizeLaw = PooledPowerLaw(sizes)
        offeredLaw = PooledPowerLaw(offered)
        touchedLaw = PooledPowerLaw(touched)
        guard let thinned else { return }
        let laws = self
        gaps = LawGaps(
            thinned, largest: scales[scales.count - 1], probes: probes,
            deepest: depths[depths.count - 1]
        ) { laws.sight(probe: $0, $1) }
    }

    private func sight(probe: Int, _ cut: IndexCut) -> QuerySight {
        QuerySight(
            missed: unscanned(probe: probe, cut), listSize: listSize(probe: probe, cut),
            offered: offered(probe: probe, cut), touched: touched(probe: probe, cut))
    }

    /// The fitted value times the correction measured on thinned indexes.
    private func bring(_ value: Double, _ cut: IndexCut, _ gap: (LawGaps) -> Double) -> Double {
        gaps.map { value * $0.factor(gap($0), cut) } ?? value
    }

    private func size(_ cut: IndexCut) -> LogarithmicSize {
        LogarithmicSize(
            cut, largest: largest, stretch: stretch, mostProbes: mostProbes)
    }

    /// Share of the neighbours that lie in lists that are not scanned.
    func unscanned(probe: Int, _ cut: IndexCut) -> Double {
        bring(unscannedLaw.value(cell: probe, size(cut).bent(probes[probe])) ?? 0, cut) {
            $0.missed[probe]
        }
    }

    /// Share of the neighbours that a shallower refine depth loses.
    func confused(probe: Int, depth: Int, _ cut: IndexCut) -> Double {
        confusedLaw.value(
            cell: probe * depths.count + depth, size(cut).straight(probes[probe], depths[depth]))
            ?? 0
    }

    /// Codes of a scanned list, relative to the mean list.
    func listSize(probe: Int, _ cut: IndexCut) -> Double {
        bring(listSizeLaw.value(cell: probe, size(cut).straight(probes[probe])) ?? 1, cut) {
            $0.listSize[probe]
        }
    }

    /// Shards offered, relative to the most that the rule allows.
    func offered(probe: Int, _ cut: IndexCut) -> Double {
        bring(offeredLaw.value(cell: probe, size(cut).straight(probes[probe])) ?? 1, cut) {
            $0.offered[probe]
        }
    }

    /// Number of shards touched.
    func touched(probe: Int, _ cut: IndexCut) -> Double {
        let terms = Array(size(cut).straight(probes[probe]).prefix(2))
        return bring(touchedLaw.value(cell: probe, terms) ?? 1, cut) { $0.touched[probe] }
    }
}

/// The size of an index in the coordinates of the laws.
private struct LogarithmicSize {
    /// Logarithm of the number of vectors, relative to the largest scale.
    let vectors: Double
    let listSize: Double
    /// Logarithm of the ratio of the largest scale to the smallest.
    let stretch: Double
    /// Larger probe counts were a large share of the lists in all scales but one; they use this
    /// one's growth.
    let mostProbes: Int

    init(_ cut: IndexCut, largest: Double, stretch: Double, mostProbes: Int) {
        self.mostProbes = mostProbes
        vectors = log(Double(cut.vectors) / largest)
        listSize = log(cut.listSize)
        self.stretch = stretch
    }

    /// The quadratic term of a curve.
    ///
    /// Up to as far beyond the largest scale as the scales reach, the curve goes on bending.
    /// Farther out it is linear with the mean slope of the scales, because a quadratic extrapolates
    /// badly.
    private var bend: Double {
        guard vectors > stretch else { return vectors * vectors }
        return stretch * stretch - stretch * (vectors - stretch)
    }

    func straight(_ nprobe: Int) -> [Double] {
        [vectors, vectors * log(Double(min(nprobe, mostProbes))), listSize]
    }

    func straight(_ nprobe: Int, _ depth: Int) -> [Double] {
        straight(nprobe) + [vectors * log(Double(depth))]
    }

    func bent(_ nprobe: Int) -> [Double] { straight(nprobe) + [bend] }
}
