// What a query is compared with: whole refine rows, one by one.
package import VectorCore
package import VectorIndex

/// A query prepared for one shard's refine rows.
package struct RefineOracle {
    private let tier: RefineTier
    private let metric: Metric
    private let prepared: [Float]
    private let constant: Float

    /// - Parameter query: `[dimension]`, normalised where the metric asks for it.
    package init(_ query: ArraySlice<Float>, tier: RefineTier, metric: Metric) {
        self.tier = tier
        self.metric = metric
        if tier.minimum.isEmpty {
            (prepared, constant) = (Array(query), 0)
        } else if metric == .innerProduct {
            prepared = zip(query, tier.step).map { $0 * $1 }
            constant = Kernels.dot(query.span, tier.minimum.span)
        } else {
            (prepared, constant) = (zip(query, tier.minimum).map { $0 - $1 }, 0)
        }
    }

    /// The distance to a stored row.
    package func distance(_ row: [UInt8]) -> Float {
        let count = prepared.count
        precondition(row.count == tier.encoding.rowSize(dimension: count), "a row is whole")
        // Two planes of bytes where a row has 16 bits a dimension.
        let low = Array(row.dropFirst(count))
        switch (tier.encoding, metric) {
        case (.sq8, .innerProduct): return -(constant + SearchKernels.dotSQ8(prepared, row, count))
        case (.sq8, _): return SearchKernels.squaredDistanceSQ8(prepared, tier.step, row, count)
        case (.sq16, .innerProduct):
            return -(constant + SearchKernels.dotSQ16(prepared, row, low, count))
        case (.sq16, _):
            return SearchKernels.squaredDistanceSQ16(prepared, tier.step, row, low, count)
        case (.f16, .innerProduct): return -SearchKernels.dotF16(prepared, row, count)
        case (.f16, _): return SearchKernels.squaredDistanceF16(prepared, row, count)
        case (.none, _): return .infinity
        }
    }
}
