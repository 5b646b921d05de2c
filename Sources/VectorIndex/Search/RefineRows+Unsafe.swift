// Refine rows in memory, and the scales that give their bytes a meaning.
package import VectorCore

/// All refine rows of a shard: the part that every candidate is compared by, and the part for the best of them, apart, so
/// that a comparison fetches nothing it does not need.
package struct RefineRows: Sendable {
    /// `[vectors][coarse width]`.
    package let coarse: AlignedArray<UInt8>
    /// `[vectors][fine width]`; empty where the coarse part is all there is.
    package let fine: AlignedArray<UInt8>
    let encoding: RefineEncoding

    package init(encoding: RefineEncoding, dimension: Int, vectors: Int) {
        self.encoding = encoding
        coarse = AlignedArray(count: vectors * encoding.coarseWidth(dimension), filling: 0)
        fine = AlignedArray(count: vectors * encoding.fineWidth(dimension), filling: 0)
    }

    /// The same rows in memory of their own.
    package init(copying other: RefineRows) {
        encoding = other.encoding
        coarse = AlignedArray(copying: other.coarse)
        fine = AlignedArray(copying: other.fine)
    }

    /// Bytes of memory this takes.
    package var bytes: Int { coarse.bytes + fine.bytes }

    /// A row as the shard file has it.
    package func payload(row: Int, dimension: Int) -> [UInt8] {
        let (first, rest) = (encoding.coarseWidth(dimension), encoding.fineWidth(dimension))
        return Array(UnsafeBufferPointer(start: coarse.base + row * first, count: first))
            + Array(UnsafeBufferPointer(start: fine.base + row * rest, count: rest))
    }

    /// Stores a row as the shard file has it.
    package func store(_ payload: Span<UInt8>, row: Int, dimension: Int) {
        let (first, rest) = (encoding.coarseWidth(dimension), encoding.fineWidth(dimension))
        precondition(payload.count == first + rest, "a row has its encoding's width")
        payload.withUnsafeBufferPointer { payload in
            guard let source = payload.baseAddress else { return }
            (coarse.base + row * first).update(from: source, count: first)
            (fine.base + row * rest).update(from: source + first, count: rest)
        }
    }
}

/// Pointers to a shard's refine rows.
struct RowPlanes: BitwiseCopyable, @unchecked Sendable {
    let coarse: UnsafePointer<UInt8>
    let fine: UnsafePointer<UInt8>
    let coarseWidth: Int
    let fineWidth: Int

    init(_ rows: RefineRows, dimension: Int) {
        coarse = UnsafePointer(rows.coarse.base)
        fine = UnsafePointer(rows.fine.base)
        coarseWidth = rows.encoding.coarseWidth(dimension)
        fineWidth = rows.encoding.fineWidth(dimension)
    }
}

/// A tier's minimum and step, for the coarse part of rows and for whole rows.
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
