// The gap between the growth laws and what thinned indexes show of a larger one. At the largest
// scale the laws hold; at the size of the thinned indexes those hold; in between the correction
// grows in proportion. Beyond, it stays.
import Foundation

/// Counts of the mean query of one scale at some probe count, in the units of the laws.
struct QuerySight: Sendable {
    /// Share of the neighbours that lie in lists that are not scanned.
    var missed: Double
    /// Codes of a scanned list, relative to the mean list.
    var listSize: Double
    /// Shards offered, relative to the most that the rule allows.
    var offered: Double
    var touched: Double
}

extension Scale {
    /// Smallest share that is told from zero: a quarter of one neighbour among all queries.
    private static let rare = 0.25

    var cut: IndexCut { IndexCut(vectors: vectors, shards: shards, lists: lists) }

    /// A share counted over the answers, at least the smallest that can be told from zero.
    ///
    /// The variance of its logarithm is about 1 / (n x share), so it is its own weight too.
    func counted(_ share: Double) -> Double { max(share, Self.rare / Double(10 * queries)) }

    func sight(_ nprobe: Int, deepest: Int) -> QuerySight? {
        guard let point = point(nprobe, deepest) else { return nil }
        return QuerySight(
            missed: counted(1 - point.recall),
            listSize: point.work.codes / (Double(nprobe) * cut.listSize),
            offered: point.work.offered / cut.offered(nprobe: nprobe), touched: point.work.touched)
    }
}

/// Gaps in logarithms, by index of the probe count.
struct LawGaps: Sendable {
    private let largest: Double
    private let ahead: Double
    private(set) var missed: [Double] = []
    private(set) var listSize: [Double] = []
    private(set) var offered: [Double] = []
    private(set) var touched: [Double] = []

    /// Compares laws and measurements.
    ///
    /// - Parameters:
    ///   - largest: the largest scale.
    ///   - law: the laws' value for a cut, by index of the probe count.
    init(
        _ thinned: ThinnedScales, largest scale: Scale, probes: [Int], deepest: Int,
        law: (Int, IndexCut) -> QuerySight
    ) {
        largest = log(Double(scale.vectors))
        ahead = log(Double(thinned.ahead.vectors))
        let rise = Self.missedRise(thinned.known, scale, probes, deepest)
        let cut = thinned.ahead.cut
        // Full relative to thinned lists, if neither scans all its lists, where the list margin has
        // no effect.
        var full = QuerySight(missed: 1, listSize: 1, offered: 1, touched: 1)
        for (place, nprobe) in probes.enumerated() {
            let thin = thinned.known.sight(nprobe, deepest: deepest)
            if let thin, nprobe < min(thinned.known.lists, scale.lists),
                let known = scale.sight(nprobe, deepest: deepest)
            {
                full.listSize = known.listSize / thin.listSize
                full.offered = known.offered / thin.offered
                full.touched = known.touched / thin.touched
            }
            if let seen = thinned.ahead.sight(nprobe, deepest: deepest) {
                let law = law(place, cut)
                let alike = Self.likeness(seen.missed, (thin ?? seen).missed)
                missed.append(log(seen.missed / law.missed) + rise * alike)
                listSize.append(log(seen.listSize * full.listSize / law.listSize))
                offered.append(log(seen.offered * full.offered / law.offered))
                touched.append(log(seen.touched * full.touched / law.touched))
            } else {
                // The index has fewer lists than probes: use the last gap.
                missed.append(missed.last ?? 0)
                listSize.append(listSize.last ?? 0)
                offered.append(offered.last ?? 0)
                touched.append(touched.last ?? 0)
            }
        }
    }

    /// How far a correction learned at one share of misses applies at another: fully if they are
    /// equal, not at all from a factor of four on, where the reasons for the misses differ.
    private static func likeness(_ one: Double, _ other: Double) -> Double {
        max(0, 1 - abs(log(one / other)) / log(4))
    }

    /// Misses of full lists relative to thinned ones of the same shape, in logarithms. One number
    /// for all probe counts, since misses are few.
    private static func missedRise(
        _ known: Scale, _ scale: Scale, _ probes: [Int], _ deepest: Int
    ) -> Double {
        var (sum, weight) = (0.0, 0.0)
        for nprobe in probes where nprobe < min(known.lists, scale.lists) {
            guard let thin = known.sight(nprobe, deepest: deepest),
                let full = scale.sight(nprobe, deepest: deepest)
            else { continue }
            sum += full.missed * log(full.missed / thin.missed)
            weight += full.missed
        }
        return weight > 0 ? sum / weight : 0
    }

    /// The correction factor of a law's value for this cut.
    func factor(_ gap: Double, _ cut: IndexCut) -> Double {
        exp(gap * min(1, max(0, (log(Double(cut.vectors)) - largest) / (ahead - largest))))
    }
}
