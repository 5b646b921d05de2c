// Measures the shape of an index that is larger than the sample. How lists lie around a query
// depends on their number and follows no simple law: when lists become finer than the clusters of
// the data, the nearest list holds fewer of the neighbours, and a list margin leaves out more of
// them. But a sample can be cut into the shards and lists of the larger index, with fewer vectors
// in each, and be searched.
//
// If the sample is one in t of the larger index, a query scans one in t of the codes. Which of the
// sample's neighbours are among the ten nearest of the larger index has a known distribution. The
// difference between short lists and full ones (their centroids are less certain) is measured at
// the largest scale: it is compared with one in t of its vectors, cut in its own shape.
import Catalog
import Reporting
import ShardFile
import TesseraBase
import VectorCore

/// Thinned indexes, with counts and recall scaled to the full number of vectors.
struct ThinnedScales: Sendable {
    /// The shape of an index that is larger than all scales.
    let ahead: Scale
    /// The shape of the largest scale, thinned as much.
    let known: Scale
    let thinning: Double
}

/// Builds and measures thinned indexes.
struct ScaleThinner: Sendable {
    /// Most thinning: beyond it the result is mostly noise.
    private static let most = 10.0
    /// The laws extrapolate this far without thinned indexes.
    private static let least = 1.5
    /// Fewest vectors in a list.
    private static let fewestPerList = 8.0
    /// Fewest vectors in a shard that training accepts.
    private static let smallestShard = 100.0

    let builder: ScaleBuilder
    let measurer: ScaleMeasurer

    /// Measures beyond `scales` towards an index of `asked` vectors; nil if the sample cannot help
    /// there.
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
    /// Only the deepest refine depth is measured. What a shallower depth loses does not show in a
    /// sample, which has fewer candidates at each distance.
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

/// Ranks in a sample compared with ranks among all vectors.
package enum ThinnedRanks {
    /// Weight of finding the j-th nearest of a sample: the probability that it is among the `k`
    /// nearest of all vectors, of which the sample is one in `thinning`, divided by the sum of
    /// these.
    package static func shares(_ thinning: Double, k: Int) -> [Double] {
        guard thinning > 1 else { return [Double](repeating: 1 / Double(k), count: k) }
        let drawn = 1 / thinning
        // Probability that 0, 1, 2, … of the k nearest were drawn.
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
