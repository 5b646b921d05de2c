// Centroids in the layout of the ranking kernels: bytes, 16 centroids side by side, so that a query
// is compared with all of them at once.
import VectorCore

extension Metric {
    /// Avoids `==`, which is a generic comparison across modules.
    var isInnerProduct: Bool {
        if case .innerProduct = self { true } else { false }
    }
}

/// The list centroids of a shard, or the shard centroids of a router, relative to a common origin.
final class CentroidSet: Sendable {
    let count: Int
    /// Size of one step of a centroid byte.
    let step: Float
    let metric: Metric
    private let origin: AlignedArray<Float>
    /// Vector subtracted from queries: the origin, or zeros for the inner product.
    private let shift: AlignedArray<Float>
    private let codes: AlignedArray<Int8>
    private let corrections: AlignedArray<Int32>
    private let norms: AlignedArray<Float>
    private let width: Int

    /// - Parameters:
    ///   - rows: `[count][origin.count]` bytes, in steps relative to the origin.
    init(rows: [Int8], step: Float, origin: [Float], metric: Metric) {
        width = origin.count
        count = rows.count / origin.count
        self.step = step
        self.metric = metric
        let words = (width + 3) / 4
        let groups = (count + 15) / 16
        codes = AlignedArray(count: groups * words * 64, filling: 0)
        corrections = AlignedArray(count: groups * 16, filling: 0)
        norms = AlignedArray(count: groups * 16, filling: .infinity)
        self.origin = AlignedArray(origin, or: 0)
        shift = AlignedArray(
            metric.isInnerProduct ? [Float](repeating: 0, count: width) : origin, or: 0)
        for centroid in 0..<count { store(rows, centroid, words: words) }
    }

    private func store(_ rows: [Int8], _ centroid: Int, words: Int) {
        let target = codes.base + centroid / 16 * words * 64 + centroid % 16 * 4
        var sum: Int32 = 0
        var norm: Float = 0
        for dimension in 0..<width {
            let code = rows[centroid * width + dimension]
            target[dimension / 4 * 64 + dimension % 4] = code
            sum += Int32(code)
            let value = step * Float(code)
            norm += value * value
        }
        corrections.base[centroid] = -128 * sum
        norms.base[centroid] = metric.isInnerProduct ? 0 : norm
    }

    /// Bytes of memory this takes.
    var bytes: Int { 2 * origin.bytes + codes.bytes + corrections.bytes + norms.bytes }

    /// Valid as long as this object lives.
    var view: CentroidView {
        CentroidView(
            block: CentroidBlock(
                codes: codes.base, corrections: corrections.base, norms: norms.base,
                groups: norms.count / 16, words: (width + 3) / 4),
            origin: origin.base, shift: shift.base, width: width,
            scale: (metric.isInnerProduct ? -1 : -2) * step)
    }
}

/// The pointers of a ``CentroidSet``, which the hot path uses to avoid reference counts.
package struct CentroidView: BitwiseCopyable, @unchecked Sendable {
    let block: CentroidBlock
    let origin: UnsafePointer<Float>
    let shift: UnsafePointer<Float>
    let width: Int
    /// Distance per unit of the inner product with a centroid's bytes.
    let scale: Float

    /// Number of distances ``LocalQuery/rank(_:into:)`` writes: the centroids, padded to whole
    /// groups with infinities.
    var padded: Int { 16 * block.groups }

    /// The distance to one centroid, from `constant` of a ``LocalQuery`` and a float product with
    /// its bytes.
    func distance(_ query: LocalQuery, centroid: Int) -> Float {
        let product = SearchKernels.dot(
            query.shifted,
            centroid: block.codes + centroid / 16 * block.words * 64 + centroid % 16 * 4, width)
        return block.norms[centroid] + (query.constant + scale * product)
    }
}

/// A query relative to one origin.
struct LocalQuery: BitwiseCopyable {
    /// `[width]`.
    private(set) var shifted: UnsafePointer<Float>
    /// `[4 * words]`, quantized query components plus 128.
    private(set) var bytes: UnsafePointer<UInt8>
    /// Size of one step of `bytes`.
    let step: Float
    /// The part of the distance that is the same for all centroids: the squared norm, or the
    /// negative inner product with the origin.
    let constant: Float

    /// Prepares `query` (`[width]`) in memory that the caller keeps alive.
    init(
        _ query: UnsafePointer<Float>, _ view: CentroidView, metric: Metric,
        shifted: UnsafeMutablePointer<Float>, bytes: UnsafeMutablePointer<UInt8>
    ) {
        let made = SearchKernels.prepare(
            query, origin: view.shift, count: view.width, shifted: shifted, bytes: bytes)
        self.shifted = UnsafePointer(shifted)
        self.bytes = UnsafePointer(bytes)
        step = made.step
        constant =
            metric.isInnerProduct
            ? -SearchKernels.dot(query, view.origin, view.width) : made.norm
    }

    /// Moves the query to other memory.
    mutating func move(
        shifted: UnsafeMutablePointer<Float>, bytes: UnsafeMutablePointer<UInt8>
    ) {
        self.shifted = UnsafePointer(shifted)
        self.bytes = UnsafePointer(bytes)
    }

    /// Computes approximate distances to all centroids, from products of bytes.
    func rank(_ view: CentroidView, into output: UnsafeMutablePointer<Float>) {
        SearchKernels.rank(
            view.block, query: bytes, scale: view.scale * step, constant: constant, into: output)
    }
}
