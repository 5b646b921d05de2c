// A shard's model in the layout that searching needs.
package import VectorCore

/// Position and scale of one inverted list of a shard.
package struct ListPlace: BitwiseCopyable, Sendable {
    /// Offset of the list's first byte in the shard's codes.
    package let offset: Int
    package let count: Int
    package let firstRow: UInt32
    package let biasOffset: Float
    package let biasStep: Float

    package init(offset: Int, count: Int, firstRow: Int, biasOffset: Float, biasStep: Float) {
        self.offset = offset
        self.count = count
        self.firstRow = UInt32(firstRow)
        self.biasOffset = biasOffset
        self.biasStep = biasStep
    }
}

/// A shard's centroids, codebooks, list directory and refine scale: everything that searching needs
/// except codes and rows. Immutable.
package final class SearchModel: Sendable {
    package let metric: Metric
    private let shape: ProductQuantizerShape
    private let centroids: CentroidSet
    /// Transposed codebooks, `[M][dsub][ksub]`.
    private let codebooks: AlignedArray<Float>
    private let lists: AlignedArray<ListPlace>
    private let refine: RefineScale
    private let dimension: Int
    private let spread: Float
    private let rowCount: Int

    /// - Parameter lists: one per list of the model.
    package init(
        _ model: ShardModel, metric: Metric, refine: RefineTier, dimension: Int, lists: [ListPlace]
    ) {
        precondition(lists.count == model.listCount, "one place a list")
        self.metric = metric
        self.dimension = dimension
        shape = model.shape
        centroids = CentroidSet(
            rows: model.centroidCodes, step: model.centroidStep, origin: model.origin,
            metric: metric)
        codebooks = Self.transpose(model.codebooks)
        spread = Self.spread(model.codebooks)
        self.lists = AlignedArray(
            lists, or: ListPlace(offset: 0, count: 0, firstRow: 0, biasOffset: 0, biasStep: 0))
        self.refine = RefineScale(refine)
        rowCount = lists.reduce(0) { max($0, Int($1.firstRow) + $1.count) }
    }

    /// Bytes of memory this takes.
    package var bytes: Int {
        centroids.bytes + codebooks.bytes + lists.bytes + refine.bytes
    }

    /// Pointers for the hot path, valid as long as this object and `storage` live.
    package func view(ordinal: Int, storage: ShardStorage? = nil) -> ShardView {
        ShardView(
            ordinal: ordinal, shape: shape, centroids: centroids.view,
            codebooks: UnsafePointer(codebooks.base), spread: spread,
            lists: UnsafePointer(lists.base), rowCount: rowCount, refine: refine.view,
            codes: storage?.codes.base,
            rows: storage?.rows.map { RowView($0, dimension: dimension) })
    }

    /// The mean squared norm of decoded residuals if every codebook entry were used equally often.
    private static func spread(_ codebooks: Codebooks) -> Float {
        let sum = codebooks.centroids.reduce(Float(0)) { $0 + $1 * $1 }
        return sum / Float(codebooks.shape.centroidCount)
    }

    private static func transpose(_ codebooks: Codebooks) -> AlignedArray<Float> {
        let shape = codebooks.shape
        let transposed = AlignedArray<Float>(count: codebooks.centroids.count, filling: 0)
        for subquantizer in 0..<shape.subquantizerCount {
            for centroid in 0..<shape.centroidCount {
                for offset in 0..<shape.subdimension {
                    let source =
                        (subquantizer * shape.centroidCount + centroid) * shape.subdimension
                    let target = (subquantizer * shape.subdimension + offset) * shape.centroidCount
                    transposed.base[target + centroid] = codebooks.centroids[source + offset]
                }
            }
        }
        return transposed
    }
}

/// The parts of a shard kept in memory: its codes, and its refine rows where there is room for
/// them.
package struct ShardStorage: Sendable {
    /// The packed codes of all lists, in list order.
    package let codes: ArenaBytes
    package let rows: RefineRows?

    package init(codes: ArenaBytes, rows: RefineRows?) {
        self.codes = codes
        self.rows = rows
    }
}

/// Pointers to everything of a shard that a query reads; without reference counts for the hot path.
package struct ShardView: BitwiseCopyable, @unchecked Sendable {
    package let ordinal: Int
    let subquantizers: Int
    let subdimension: Int
    let bitsPerCode: Int
    let centroids: CentroidView
    let codebooks: UnsafePointer<Float>
    /// Estimate, from the codebooks, of the squared distance of a vector to its list's centroid.
    let spread: Float
    let lists: UnsafePointer<ListPlace>
    /// Number of rows in the shard.
    let rowCount: Int
    let refine: RefineScaleView
    let codes: UnsafePointer<UInt8>?
    let rows: RowView?

    init(
        ordinal: Int, shape: ProductQuantizerShape, centroids: CentroidView,
        codebooks: UnsafePointer<Float>, spread: Float,
        lists: UnsafePointer<ListPlace>, rowCount: Int, refine: RefineScaleView,
        codes: UnsafePointer<UInt8>?,
        rows: RowView?
    ) {
        self.ordinal = ordinal
        subquantizers = shape.subquantizerCount
        subdimension = shape.subdimension
        bitsPerCode = shape.bitsPerCode
        self.centroids = centroids
        self.codebooks = codebooks
        self.spread = spread
        self.lists = lists
        self.rowCount = rowCount
        self.refine = refine
        self.codes = codes
        self.rows = rows
    }

    var centroidCount: Int { 1 << bitsPerCode }
}
