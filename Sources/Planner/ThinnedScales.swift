// The shape of an index that is larger than the sample. How lists lie around a query depends on how many there are, and changes
// by no simple law: where lists become finer than the clusters of the data, the nearest holds less of what is looked for, and a
// margin leaves out more. But a sample can be cut as finely as the larger index would be, into its shards and lists with fewer
// vectors in each, and then be searched.
//
// If the sample is one in t of the larger index, it has one in t of the codes that a query scans there; and which of the
// sample's neighbours are among the ten nearest of the larger index is a matter of chance that can be reckoned. What a list of
// few vectors has other than a full one (its centroid is less sure) is measured where both are known: the largest scale is
// set beside one in t of its vectors in its own shape.
import Catalog
import Reporting
import ShardFile
import TesseraBase
import VectorCore

/// Thinned indexes, with counts and recall as if they had all the vectors whose shape they have.
struct ThinnedScales: Sendable {
    /// Of the shape of an index that is larger than all scales.
    let ahead: Scale
    /// Of the shape of the largest scale, thinned as much.
    let known: Scale
    let thinning: Double
}

/// Builds and measures thinned indexes.
struct ScaleThinner: Sendable {
    /// A sample thinner than this says more of chance than of the index.
    private static let most = 10.0
    /// The laws reach this far beyond the largest scale by themselves.
    private static let least = 1.5
    /// Lists of fewer vectors are hardly lists.
    private static let fewestPerList = 8.0
    /// What training takes.
    private static let smallestShard = 100.0

    let builder: ScaleBuilder
    let measurer: ScaleMeasurer

    /// What lies beyond `scales` on the way to an index of `asked` vectors; nil where a sample tells nothing of it.
    func measure(
        beyond scales: [Scale], upTo asked: Int
    ) async throws(TesseraError) -> ThinnedScales? {
        let last = scales[scales.count - 1]
        let size = Double(last.vectors)
        let vectors = min(last.vectors, builder.sample.count)
        let most = min(
            Self.most, size / Double(last.lists) / Self.fewestPerList,
            Double(builder.choices.shardSize) / Self.smallestShard)
        let reach = min(Double(asked), Double(vectors) * most)
        guard reach >= Self.least * size else { return nil }
        let thinning = reach / Double(vectors)
        let ahead = try await measure(vectors, thinning, as: last)
        let known = try await measure(Int(size / thinning), thinning, as: last)
        return ThinnedScales(ahead: ahead, known: known, thinning: thinning)
    }

    private func measure(
        _ vectors: Int, _ thinning: Double, as scale: Scale
    ) async throws(TesseraError) -> Scale {
        try measurer.stop.check()
        let (loaded, _) = try await builder.build(vectors, thinning: thinning)
        return try await measurer.measure(
            loaded, thinning: thinning, probes: Set(scale.points.map(\.nprobe)).sorted(),
            depth: scale.points.map(\.refineDepth).max() ?? loaded.truth.k)
    }
}

extension ScaleMeasurer {
    /// Measures a thinned index as if it had all its vectors.
    ///
    /// Refining as deeply as can be tells what lies in the lists. What shallower refining loses does not show in a sample, which has
    /// fewer candidates of each distance.
    func measure(
        _ loaded: LoadedScale, thinning: Double, probes: [Int], depth: Int
    ) async throws(TesseraError) -> Scale {
        let shares = ThinnedRanks.shares(thinning, k: loaded.truth.k)
        var points: [GridPoint] = []
        for nprobe in probes where nprobe <= loaded.lists {
            try stop.check()
            var point = try await point(
                loaded, nprobe: nprobe, refineDepth: depth, shares: shares)
            point.work.codes *= thinning
            points.append(point)
        }
        let whole = Int((Double(loaded.index.vectors) * thinning).rounded())
        return Scale(
            vectors: whole, shards: loaded.index.shards.count, lists: loaded.lists,
            queries: loaded.truth.queries.rows, footprint: loaded.footprint, points: points)
    }
}

/// The nearest of a sample among the nearest of all.
package enum ThinnedRanks {
    /// What finding the j-th nearest of a sample counts: the chance that it is among the `k` nearest of all vectors, of which the
    /// sample is one in `thinning`, over the sum of these chances.
    package static func shares(_ thinning: Double, k: Int) -> [Double] {
        guard thinning > 1 else { return [Double](repeating: 1 / Double(k), count: k) }
        let drawn = 1 / thinning
        // Chances that 0, 1, 2, … of the k nearest were drawn.
        var chance = (0..<k).reduce(1.0) { product, _ in product * (1 - drawn) }
        var atMost = 0.0
        var shares: [Double] = []
        for count in 0..<k {
            atMost += chance
            shares.append(max(0, 1 - atMost))
            chance *= Double(k - count) / Double(count + 1) * drawn / (1 - drawn)
        }
        let sum = shares.reduce(0, +)
        return shares.map { $0 / sum }
    }
}
