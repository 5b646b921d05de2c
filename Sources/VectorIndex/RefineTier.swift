// The second encoding of each vector, finer than its code: what candidates are re-ranked by.
package import VectorCore

/// How the refine tier stores a vector.
package enum RefineEncoding: String, Sendable, Codable, CaseIterable {
    /// One byte a dimension, linear between the shard's minimum and maximum of that dimension.
    case sq8
    /// Half floats.
    case f16
    /// No refine tier.
    case none

    /// Bytes of a stored vector.
    package func rowSize(dimension: Int) -> Int {
        switch self {
        case .sq8: dimension
        case .f16: 2 * dimension
        case .none: 0
        }
    }
}

/// Encodes and compares refine rows of one shard, in the user's dimension.
package struct RefineTier: Sendable, Equatable {
    package let encoding: RefineEncoding
    /// `[dimension]` each; empty but for sq8.
    package let minimum: [Float]
    package let step: [Float]

    package init(encoding: RefineEncoding, minimum: [Float] = [], step: [Float] = []) {
        precondition(minimum.count == step.count, "one minimum and one step a dimension")
        self.encoding = encoding
        self.minimum = minimum
        self.step = step
    }

    /// Learns the range of each dimension from all of a shard's `vectors` (`[n][dimension]`).
    ///
    /// - Parameter integral: the vectors are whole numbers of one byte: a step of 1 then stores them exactly.
    package static func fitted(
        to vectors: Matrix, encoding: RefineEncoding, integral: Bool
    ) -> RefineTier {
        guard encoding == .sq8 else { return RefineTier(encoding: encoding) }
        var minimum = [Float](repeating: .infinity, count: vectors.columns)
        var maximum = [Float](repeating: -.infinity, count: vectors.columns)
        for row in 0..<vectors.rows {
            for column in 0..<vectors.columns {
                let value = vectors.elements[row * vectors.columns + column]
                minimum[column] = min(minimum[column], value)
                maximum[column] = max(maximum[column], value)
            }
        }
        let step = zip(minimum, maximum).map { integral ? 1 : ($1 - $0) / 255 }
        return RefineTier(encoding: .sq8, minimum: minimum, step: step)
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
        case .sq8:
            return vector.enumerated().map { column, value in
                guard step[column] > 0 else { return 0 }
                let scaled = ((value - minimum[column]) / step[column]).rounded(.toNearestOrEven)
                return UInt8(max(0, min(255, scaled)))
            }
        }
    }

    /// The vector a row stands for, `[dimension]`; empty without a refine tier.
    package func decode(_ row: ArraySlice<UInt8>) -> [Float] {
        switch encoding {
        case .none: return []
        case .sq8: return row.enumerated().map { minimum[$0] + step[$0] * Float($1) }
        case .f16:
            return stride(from: row.startIndex, to: row.endIndex, by: 2).map { index in
                HalfFloat.decode(UInt16(row[index]) | UInt16(row[index + 1]) << 8)
            }
        }
    }
}

/// A query prepared for one shard's refine rows.
package struct RefineQuery: Sendable {
    private let tier: RefineTier
    private let metric: Metric
    /// sq8: the query less the minimum (l2), or times the step (inner product). f16: the query itself.
    private let prepared: [Float]
    private let constant: Float

    /// - Parameter query: `[dimension]`, normalised where the metric asks for it.
    package init(_ query: ArraySlice<Float>, tier: RefineTier, metric: Metric) {
        self.tier = tier
        self.metric = metric
        guard tier.encoding == .sq8 else {
            prepared = Array(query)
            constant = 0
            return
        }
        if metric == .innerProduct {
            prepared = zip(query, tier.step).map { $0 * $1 }
            constant = Kernels.dot(query.span, tier.minimum.span)
        } else {
            prepared = zip(query, tier.minimum).map { $0 - $1 }
            constant = 0
        }
    }

    /// The distance to a stored row.
    package func distance(_ row: Span<UInt8>) -> Float {
        switch (tier.encoding, metric) {
        case (.sq8, .innerProduct): -(constant + Kernels.dotSQ8(scaled: prepared.span, row: row))
        case (.sq8, _):
            Kernels.squaredDistanceSQ8(shifted: prepared.span, step: tier.step.span, row: row)
        case (.f16, .innerProduct): -Kernels.dotF16(prepared.span, row: row)
        case (.f16, _): Kernels.squaredDistanceF16(prepared.span, row: row)
        case (.none, _): .infinity
        }
    }
}
