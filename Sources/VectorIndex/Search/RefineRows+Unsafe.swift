// Refine rows in memory, and the scales that decode their bytes.
import VectorCore

/// All refine rows of a shard, each in the shard file's layout. The first re-rank pass reads the
/// front of a row, the second pass the rest for the best candidates; the rest begins in the last
/// cache line of the front.
package struct RefineRows: Sendable {
    /// `[vectors][row size]`.
    fileprivate let bytesOfRows: AlignedArray<UInt8>
    fileprivate let encoding: RefineEncoding

    package init(encoding: RefineEncoding, dimension: Int, vectors: Int) {
        self.encoding = encoding
        bytesOfRows = AlignedArray(
            count: vectors * encoding.rowSize(dimension: dimension), filling: 0)
    }

    /// A copy in separate memory.
    package init(copying other: RefineRows) {
        encoding = other.encoding
        bytesOfRows = AlignedArray(copying: other.bytesOfRows)
    }

    /// Bytes of memory this takes.
    package var bytes: Int { bytesOfRows.bytes }

    /// The bytes of a row in the shard file's layout.
    package func payload(row: Int, dimension: Int) -> [UInt8] {
        let size = encoding.rowSize(dimension: dimension)
        return Array(UnsafeBufferPointer(start: bytesOfRows.base + row * size, count: size))
    }

    /// Stores a row given in the shard file's layout.
    package func store(_ payload: Span<UInt8>, row: Int, dimension: Int) {
        let size = encoding.rowSize(dimension: dimension)
        precondition(payload.count == size, "a row has its encoding's width")
        payload.withUnsafeBufferPointer { payload in
            guard let source = payload.baseAddress else { return }
            (bytesOfRows.base + row * size).update(from: source, count: size)
        }
    }
}

/// Pointers to a shard's refine rows.
struct RowView: BitwiseCopyable, @unchecked Sendable {
    private let base: UnsafePointer<UInt8>
    private let size: Int
    let coarseWidth: Int

    init(_ rows: RefineRows, dimension: Int) {
        base = UnsafePointer(rows.bytesOfRows.base)
        size = rows.encoding.rowSize(dimension: dimension)
        coarseWidth = rows.encoding.coarseWidth(dimension)
    }

    /// A row; the first re-rank pass reads its first ``coarseWidth`` bytes.
    func row(_ row: Int) -> UnsafePointer<UInt8> { base + row * size }
}

/// The refine tier's minimum and step, for the first re-rank pass and for whole rows.
struct RefineScale: Sendable {
    private let encoding: RefineEncoding
    private let coarseMinimum: AlignedArray<Float>
    private let coarseStep: AlignedArray<Float>
    private let minimum: AlignedArray<Float>
    private let step: AlignedArray<Float>

    init(_ tier: RefineTier) {
        encoding = tier.encoding
        minimum = AlignedArray(tier.minimum, or: 0)
        step = AlignedArray(tier.step, or: 0)
        let (minimum, step) = tier.coarseScale
        coarseMinimum = AlignedArray(minimum, or: 0)
        coarseStep = AlignedArray(step, or: 0)
    }

    var bytes: Int { minimum.bytes + step.bytes + coarseMinimum.bytes + coarseStep.bytes }

    var view: RefineScaleView {
        RefineScaleView(
            encoding: encoding, coarseMinimum: UnsafePointer(coarseMinimum.base),
            coarseStep: UnsafePointer(coarseStep.base), minimum: UnsafePointer(minimum.base),
            step: UnsafePointer(step.base))
    }
}

struct RefineScaleView: BitwiseCopyable, @unchecked Sendable {
    let encoding: RefineEncoding
    let coarseMinimum: UnsafePointer<Float>
    let coarseStep: UnsafePointer<Float>
    let minimum: UnsafePointer<Float>
    let step: UnsafePointer<Float>
}
