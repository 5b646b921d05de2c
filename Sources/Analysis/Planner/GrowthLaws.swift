// The curves behind a GrowthModel, each a power law of its own for every probe count (and depth) of the grid.
import Foundation

/// What grows how.
struct GrowthLaws: Sendable {
    /// A chance smaller than a quarter of one neighbour among all queries was not told from none.
    private static let rare = 0.25
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

    /// - Parameters:
    ///   - probes: of the largest scale, ascending.
    ///   - depths: the same.
    init(_ scales: [Scale], probes: [Int], depths: [Int]) {
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
            let cut = IndexCut(vectors: scale.vectors, shards: scale.shards, lists: scale.lists)
            // The nearer in size to what will be asked, the more a scale says.
            let trust = Double(scale.vectors)
            let size = LogarithmicSize(
                cut, largest: largest, stretch: stretch, mostProbes: mostProbes)
            for (place, nprobe) in probes.enumerated() {
                guard let deepest = scale.point(nprobe, depths[depths.count - 1]) else { continue }
                func observe(
                    _ terms: [Double], _ value: Double, _ weight: Double
                ) -> PooledPowerLaw.Observation {
                    PooledPowerLaw.Observation(
                        cell: place, terms: terms, value: value, weight: weight * trust)
                }
                let straight = size.straight(nprobe)
                let missed = Self.counted(1 - deepest.recall, scale)
                // Where most lists are scanned little can be missed, whatever the law.
                let free = Self.coverage * nprobe <= scale.lists || scale == scales.last
                unscanned.append(
                    observe(size.bent(nprobe), missed, free ? missed : missed * Self.saturated))
                sizes.append(
                    observe(straight, deepest.work.codes / (Double(nprobe) * cut.listSize), 1))
                let most = cut.offered(nprobe: nprobe)
                offered.append(
                    observe(
                        straight, deepest.work.offered / most,
                        most < Double(scale.shards) ? 1 : Self.saturated))
                touched.append(
                    observe(
                        Array(straight.prefix(2)), deepest.work.touched,
                        scale.shards > 2 ? 1 : Self.saturated))
                for (number, depth) in depths.enumerated().dropLast() {
                    guard let point = scale.point(nprobe, depth) else { continue }
                    let lost = Self.counted(deepest.recall - point.recall, scale)
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
    }

    /// The logarithm of a share counted in n answers varies by about 1 / (n x share), so it also is its weight.
    private static func counted(_ share: Double, _ scale: Scale) -> Double {
        max(share, rare / Double(10 * scale.queries))
    }

    private func size(_ cut: IndexCut) -> LogarithmicSize {
        LogarithmicSize(
            cut, largest: largest, stretch: stretch, mostProbes: mostProbes)
    }

    /// Share of the neighbours in lists that are not scanned.
    func unscanned(probe: Int, _ cut: IndexCut) -> Double {
        unscannedLaw.value(cell: probe, size(cut).bent(probes[probe])) ?? 0
    }

    /// Share of the neighbours that shallower refining loses.
    func confused(probe: Int, depth: Int, _ cut: IndexCut) -> Double {
        confusedLaw.value(
            cell: probe * depths.count + depth, size(cut).straight(probes[probe], depths[depth]))
            ?? 0
    }

    /// Codes of a scanned list over those of the mean one.
    func listSize(probe: Int, _ cut: IndexCut) -> Double {
        listSizeLaw.value(cell: probe, size(cut).straight(probes[probe])) ?? 1
    }

    /// Shards offered over those the rule allows.
    func offered(probe: Int, _ cut: IndexCut) -> Double {
        offeredLaw.value(cell: probe, size(cut).straight(probes[probe])) ?? 1
    }

    /// Shards touched.
    func touched(probe: Int, _ cut: IndexCut) -> Double {
        touchedLaw.value(cell: probe, Array(size(cut).straight(probes[probe]).prefix(2))) ?? 1
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
