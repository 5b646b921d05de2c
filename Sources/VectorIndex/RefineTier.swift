// The refine tier: a second, finer encoding of each vector, by which candidates are re-ranked.
package import VectorCore

/// How the refine tier stores a vector.
package enum RefineEncoding: String, BitwiseCopyable, Sendable, Codable, CaseIterable {
    /// One byte per dimension, linear between the shard's minimum and maximum of that dimension.
    case sq8
    /// Two bytes per dimension on the same scale: first the upper bytes of all dimensions, for the
    /// first re-rank pass over all candidates, then the lower bytes, for the second pass over the
    /// best of them.
    case sq16
    /// 16-bit floats.
    case f16
    /// No refine tier.
    case none

    /// Bytes of a stored vector.
    package func rowSize(dimension: Int) -> Int {
        switch self {
        case .sq8: dimension
        case .sq16, .f16: 2 * dimension
        case .none: 0
        }
    }

    /// Bytes of a row that the first re-rank pass reads.
    func coarseWidth(_ dimension: Int) -> Int {
        self == .sq16 ? dimension : rowSize(dimension: dimension)
    }

    /// The largest quantized value of a component; nil for encodings that are not linear
    /// quantization.
    var levels: Float? {
        switch self {
        case .sq8: 255
        case .sq16: 65_535
        case .f16, .none: nil
        }
    }
}

/// Encodes and decodes refine rows of one shard, in the user's dimension.
package struct RefineTier: Sendable, Equatable {
    package let encoding: RefineEncoding
    /// `[dimension]` each; empty unless the encoding is sq8 or sq16.
    package let minimum: [Float]
    package let step: [Float]

    package init(encoding: RefineEncoding, minimum: [Float] = [], step: [Float] = []) {
        precondition(minimum.count == step.count, "one minimum and one step a dimension")
        self.encoding = encoding
        self.minimum = minimum
        self.step = step
    }

    /// Fits the range of each dimension to all of a shard's `vectors` (`[n][dimension]`).
    ///
    /// - Parameter integral: whether all components are integers that fit one byte; a step of 1
    ///   then stores them exactly.
    package static func fitted(
        to vectors: Matrix, encoding: RefineEncoding, integral: Bool
    ) -> RefineTier {
        guard let levels = encoding.levels else { return RefineTier(encoding: encoding) }
        var minimum = [Float](repeating: .infinity, count: vectors.columns)
        var maximum = [Float](repeating: -.infinity, count: vectors.columns)
        for row in 0..<vectors.rows {
            for column in 0..<vectors.columns {
                let value = vectors.elements[row * vectors.columns + column]
                minimum[column] = min(minimum[column], value)
                maximum[column] = max(maximum[column], value)
            }
        }
        let step = zip(minimum, maximum).map {
            integral && encoding == .sq8 ? 1 : ($1 - $0) / levels
        }
        return RefineTier(encoding: encoding, minimum: minimum, step: step)
    }

    /// The stored bytes of one vector, `rowSize(dimension)` of them.
    package func encode(_ vector: ArraySlice<Float>) -> [UInt8] {
        switch encoding {
        case .none: return []
        case .f16:
            return vector.flatMap { value in
                let bits = HalfFloat.encode(value)
                return [UInt8(truncatingIfNeeded: bits), UInt8(truncatingIfNeeded: bits >> 8)]
            }
        case .sq8: return vector.enumerated().map { UInt8(scaled($1, column: $0)) }
        case .sq16:
            let values = vector.enumerated().map { UInt16(scaled($1, column: $0)) }
            return values.map { UInt8($0 >> 8) } + values.map { UInt8($0 & 0xFF) }
        }
    }

    /// A component as a number of steps above the minimum, clamped to the encoding's range.
    private func scaled(_ value: Float, column: Int) -> Float {
        guard step[column] > 0, let levels = encoding.levels else { return 0 }
        let scaled = ((value - minimum[column]) / step[column]).rounded(.toNearestOrEven)
        return max(0, min(levels, scaled))
    }

    /// Minimum and step for the upper bytes alone: the unknown lower byte is taken as the middle of
    /// its range.
    var coarseScale: (minimum: [Float], step: [Float]) {
        guard encoding == .sq16 else { return (minimum, step) }
        return (zip(minimum, step).map { $0 + 127.5 * $1 }, step.map { 256 * $0 })
    }

    /// The vector that a row encodes, `[dimension]`; empty without a refine tier.
    package func decode(_ row: ArraySlice<UInt8>) -> [Float] {
        switch encoding {
        case .none: return []
        case .sq8: return row.enumerated().map { minimum[$0] + step[$0] * Float($1) }
        case .sq16:
            let low = row.startIndex + row.count / 2
            return row.prefix(row.count / 2).enumerated().map { column, high in
                minimum[column] + step[column] * (256 * Float(high) + Float(row[low + column]))
            }
        case .f16:
            return stride(from: row.startIndex, to: row.endIndex, by: 2).map { index in
                HalfFloat.decode(UInt16(row[index]) | UInt16(row[index + 1]) << 8)
            }
        }
    }
}
