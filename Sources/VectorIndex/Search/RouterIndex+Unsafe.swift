// The router's search structure: all shard centroids in one level, or, where there are many, two
// levels with groups of shards.
package import VectorCore

/// A router in the layout that searching needs. Immutable.
package final class RouterIndex: Sendable {
    /// Up to this many shards, comparing with all of them is cheaper than two levels.
    package static let largestFlat = 1024
    /// Lloyd iterations for the groups. Groups need not be good, only of about equal size.
    private static let rounds = 4

    package let router: Router
    package let metric: Metric
    private let groups: CentroidSet?
    private let members: [CentroidSet]
    private let views: AlignedArray<CentroidView>
    private let ordinals: AlignedArray<UInt32>
    /// Index of each group's first shard in `ordinals`; one more entry at the end.
    private let starts: AlignedArray<Int>

    /// - Parameter largestFlat: most shards for a single level.
    package init(_ router: Router, metric: Metric, largestFlat: Int = RouterIndex.largestFlat) {
        self.router = router
        self.metric = metric
        let origin = ShardTrainer.mean(of: router.centroids)
        let (step, codes) = ShardModel.quantize(router.centroids, about: origin)
        let width = origin.count
        func set(_ rows: [Int]) -> CentroidSet {
            CentroidSet(
                rows: rows.flatMap { codes[$0 * width..<($0 + 1) * width] }, step: step,
                origin: origin, metric: metric)
        }
        var parts = [Array(0..<router.centroids.rows)]
        groups = Self.partition(router.centroids, largestFlat: largestFlat).map { made in
            parts = made.parts
            let (step, codes) = ShardModel.quantize(made.centroids, about: origin)
            return CentroidSet(rows: codes, step: step, origin: origin, metric: metric)
        }
        members = parts.map(set)
        views = AlignedArray(members.map(\.view), or: members[0].view)
        ordinals = AlignedArray(parts.flatMap { $0.map(UInt32.init) }, or: 0)
        starts = AlignedArray(
            parts.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) }, or: 0)
    }

    /// Bytes of memory this takes.
    package var bytes: Int {
        (groups?.bytes ?? 0) + members.reduce(0) { $0 + $1.bytes } + 4
            * router.centroids.elements.count
    }

    var view: RouterView {
        RouterView(
            metric: metric, groups: groups?.view, members: views.base, ordinals: ordinals.base,
            starts: starts.base, shardCount: router.centroids.rows)
    }

    /// Partitions the shards into about as many groups as there are shards per group; nil where one
    /// level is enough.
    private static func partition(_ centroids: Matrix, largestFlat: Int) -> (
        centroids: Matrix, parts: [[Int]]
    )? {
        guard centroids.rows > largestFlat else { return nil }
        let count = Int(Double(centroids.rows).squareRoot())
        var middles = centroids.gathering((0..<count).map { $0 * centroids.rows / count })
        var parts: [[Int]] = []
        for _ in 0..<rounds {
            parts = [[Int]](repeating: [], count: count)
            for row in 0..<centroids.rows {
                parts[nearest(centroids.row(row), middles)].append(row)
            }
            for group in 0..<count where !parts[group].isEmpty {
                let mean = ShardTrainer.mean(of: centroids.gathering(parts[group]))
                middles.elements.replaceSubrange(
                    group * mean.count..<(group + 1) * mean.count, with: mean)
            }
        }
        let used = parts.indices.filter { !parts[$0].isEmpty }
        return (middles.gathering(used), used.map { parts[$0] })
    }

    private static func nearest(_ vector: ArraySlice<Float>, _ middles: Matrix) -> Int {
        var best = (distance: Float.infinity, group: 0)
        for group in 0..<middles.rows {
            let distance = Kernels.squaredDistance(vector.span, middles.row(group).span)
            if distance < best.distance { best = (distance, group) }
        }
        return best.group
    }
}

/// The pointers of a ``RouterIndex``.
struct RouterView: BitwiseCopyable {
    let metric: Metric
    let groups: CentroidView?
    let members: UnsafePointer<CentroidView>
    let ordinals: UnsafePointer<UInt32>
    let starts: UnsafePointer<Int>
    let shardCount: Int
}
