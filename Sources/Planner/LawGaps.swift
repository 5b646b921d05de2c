// How far the laws of growth are from what thinned indexes show of a larger one. Laws are followed at the largest scale, thinned
// indexes where they have their shape, and in between in proportion; beyond, the laws go on from there.
import Foundation

/// What the mean query of one scale comes upon with some number of probes, in the units of the laws.
struct QuerySight: Sendable {
    /// Share of the neighbours in lists that are not scanned.
    var missed: Double
    /// Codes of a scanned list over those of the mean one.
    var listSize: Double
    /// Shards offered over those the rule allows.
    var offered: Double
    var touched: Double
}

extension Scale {
    /// A chance smaller than a quarter of one neighbour among all queries was not told from none.
    private static let rare = 0.25

    var cut: IndexCut { IndexCut(vectors: vectors, shards: shards, lists: lists) }

    /// A share that was counted over the answers. Its logarithm varies by about 1 / (n x share), so it also is its weight.
    func counted(_ share: Double) -> Double { max(share, Self.rare / Double(10 * queries)) }

    func sight(_ nprobe: Int, deepest: Int) -> QuerySight? {
        guard let point = point(nprobe, deepest) else { return nil }
        return QuerySight(
            missed: counted(1 - point.recall),
            listSize: point.work.codes / (Double(nprobe) * cut.listSize),
            offered: point.work.offered / cut.offered(nprobe: nprobe), touched: point.work.touched)
    }
}

/// Gaps, as logarithms by the place of a probe count.
struct LawGaps: Sendable {
    private let largest: Double
    private let ahead: Double
    private(set) var missed: [Double] = []
    private(set) var listSize: [Double] = []
    private(set) var offered: [Double] = []
    private(set) var touched: [Double] = []

    /// - Parameters:
    ///   - largest: the largest scale.
    ///   - law: what the laws say of a cut, by the place of a probe count.
    init(
        _ thinned: ThinnedScales, largest scale: Scale, probes: [Int], deepest: Int,
        law: (Int, IndexCut) -> QuerySight
    ) {
        largest = log(Double(scale.vectors))
        ahead = log(Double(thinned.ahead.vectors))
        let rise = Self.missedRise(thinned.known, scale, probes, deepest)
        let cut = thinned.ahead.cut
        // Full over thin, as far as neither was asked for all its lists: who wants all has no margin.
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
                // More probes than it has lists: as with fewer.
                missed.append(missed.last ?? 0)
                listSize.append(listSize.last ?? 0)
                offered.append(offered.last ?? 0)
                touched.append(touched.last ?? 0)
            }
        }
    }

    /// How much of what was learned by one share of misses holds for another: all for an equal one, nothing where they differ
    /// fourfold, since then they are missed for other reasons.
    private static func likeness(_ one: Double, _ other: Double) -> Double {
        max(0, 1 - abs(log(one / other)) / log(4))
    }

    /// What full lists miss over what thinned ones of the same shape do: one number for all probe counts, since misses are few.
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

    /// What a law's value is multiplied with in an index that is cut so.
    func factor(_ gap: Double, _ cut: IndexCut) -> Double {
        exp(gap * min(1, max(0, (log(Double(cut.vectors)) - largest) / (ahead - largest))))
    }
}
