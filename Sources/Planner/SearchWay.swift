// Search parameters, chosen by the cost model of operating points. It uses counts and no times, so
// the same sample and seed give the same choice on every machine.
import Catalog

/// Lists scanned and candidates refined.
package struct SearchWay: Sendable, Hashable, Codable {
    package var nprobe: Int
    package var refineDepth: Int

    package init(nprobe: Int, refineDepth: Int) {
        (self.nprobe, self.refineDepth) = (nprobe, refineDepth)
    }

    var words: String { "nprobe \(nprobe), refine \(refineDepth)" }
}

extension GrowthModel {
    /// Probe counts to consider: every small one, then steps of a sixteenth.
    private var probeCounts: [Int] {
        var counts: [Int] = []
        var next = probeRange.lowerBound
        while next <= probeRange.upperBound {
            counts.append(next)
            next += max(1, next / 16)
        }
        return counts
    }

    /// The cheapest parameters that reach `recall`; nil if none is predicted to.
    package func cheapest(recall: Double, _ cut: IndexCut) -> SearchWay? {
        var best: (cost: Double, way: SearchWay)?
        for depth in refineDepths {
            let enough = probeCounts.first {
                $0 <= cut.lists
                    && self.recall(SearchWay(nprobe: $0, refineDepth: depth), cut) >= recall
            }
            guard let enough else { continue }
            let way = SearchWay(nprobe: enough, refineDepth: depth)
            let work = work(way, cut)
            let cost = work.codes + OperatingPoint.codesPerRow * work.rows
            if cost < best?.cost ?? .infinity { best = (cost, way) }
        }
        return best?.way
    }

    /// The parameters with the highest predicted recall.
    package func best(_ cut: IndexCut) -> (way: SearchWay, recall: Double) {
        let way = SearchWay(
            nprobe: min(probeRange.upperBound, cut.lists),
            refineDepth: refineDepths[refineDepths.count - 1])
        return (way, recall(way, cut))
    }
}
