// What a query is compared with: whole refine rows, one by one, by the kernels with checked shapes.
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
    package func distance(_ row: Span<UInt8>) -> Float {
        let half = row.count / 2
        switch (tier.encoding, metric) {
        case (.sq8, .innerProduct):
            return -(constant + Kernels.dotSQ8(scaled: prepared.span, row: row))
        case (.sq8, _):
            return Kernels.squaredDistanceSQ8(
                shifted: prepared.span, step: tier.step.span, row: row)
        case (.sq16, .innerProduct):
            return
                -(constant
                + Kernels.dotSQ16(
                    scaled: prepared.span, high: row.extracting(..<half),
                    low: row.extracting(half...)))
        case (.sq16, _):
            return Kernels.squaredDistanceSQ16(
                shifted: prepared.span, step: tier.step.span, high: row.extracting(..<half),
                low: row.extracting(half...))
        case (.f16, .innerProduct): return -Kernels.dotF16(prepared.span, row: row)
        case (.f16, _): return Kernels.squaredDistanceF16(prepared.span, row: row)
        case (.none, _): return .infinity
        }
    }
}
