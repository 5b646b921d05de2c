// The curves behind a GrowthModel, each a power law of its own for every probe count (and depth) of the grid.
import Foundation

/// What grows how.
struct GrowthLaws: Sendable {
    /// Where all shards are offered or touched anyway, little is learned of how many would be.
    private static let saturated = 1e-6
    /// Lists are so many times those that are scanned, where what is missed follows a law.
    private static let coverage = 4

    /// Vectors of the largest scale, and over how much (in logarithms) the scales stretch.
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

    /// - Parameters:
    ///   - probes: of the largest scale, ascending.
    ///   - depths: the same.
    ///   - thinned: what is known of the shape of an index larger than all scales.
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
            // The nearer in size to what will be asked, the more a scale says.
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
                // Where most lists are scanned little can be missed, whatever the law.
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

    /// A law's value, brought to what thinned indexes show.
    private func bring(_ value: Double, _ cut: IndexCut, _ gap: (LawGaps) -> Double) -> Double {
        gaps.map { value * $0.factor(gap($0), cut) } ?? value
    }

    private func size(_ cut: IndexCut) -> LogarithmicSize {
        LogarithmicSize(
            cut, largest: largest, stretch: stretch, mostProbes: mostProbes)
    }

    /// Share of the neighbours in lists that are not scanned.
    func unscanned(probe: Int, _ cut: IndexCut) -> Double {
        bring(unscannedLaw.value(cell: probe, size(cut).bent(probes[probe])) ?? 0, cut) {
            $0.missed[probe]
        }
    }

    /// Share of the neighbours that shallower refining loses.
    func confused(probe: Int, depth: Int, _ cut: IndexCut) -> Double {
        confusedLaw.value(
            cell: probe * depths.count + depth, size(cut).straight(probes[probe], depths[depth]))
            ?? 0
    }

    /// Codes of a scanned list over those of the mean one.
    func listSize(probe: Int, _ cut: IndexCut) -> Double {
        bring(listSizeLaw.value(cell: probe, size(cut).straight(probes[probe])) ?? 1, cut) {
            $0.listSize[probe]
        }
    }

    /// Shards offered over those the rule allows.
    func offered(probe: Int, _ cut: IndexCut) -> Double {
        bring(offeredLaw.value(cell: probe, size(cut).straight(probes[probe])) ?? 1, cut) {
            $0.offered[probe]
        }
    }

    /// Shards touched.
    func touched(probe: Int, _ cut: IndexCut) -> Double {
        let terms = Array(size(cut).straight(probes[probe]).prefix(2))
        return bring(touchedLaw.value(cell: probe, terms) ?? 1, cut) { $0.touched[probe] }
    }
}

/// The size of an index as the laws see it.
private struct LogarithmicSize {
    /// Over those of the largest scale.
    let vectors: Double
    let listSize: Double
    /// From the smallest scale to the largest.
    let stretch: Double
    /// Probe counts above this were a small share of the lists in one scale at most: they grow as this one does.
    let mostProbes: Int

    init(_ cut: IndexCut, largest: Double, stretch: Double, mostProbes: Int) {
        self.mostProbes = mostProbes
        vectors = log(Double(cut.vectors) / largest)
        listSize = log(cut.listSize)
        self.stretch = stretch
    }

    /// How a curve bends. As far beyond the largest scale as the scales stretch it bends on as it did; farther out it goes on
    /// with the mean slope of the scales, since a bend that is drawn out far promises anything.
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
