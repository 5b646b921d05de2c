// Estimates mean recall over all possible queries, with a confidence interval, from a few hundred.

/// A mean recall and its confidence interval.
package struct RecallEstimate: Sendable, Equatable {
    /// Two-sided confidence level of every interval here.
    package static let confidence = 0.95
    /// The standard normal quantile of ``confidence``.
    package static let normalQuantile = 1.959_963_984_540_054

    package let mean: Double
    package let standardError: Double
    package let low: Double
    package let high: Double
    package let queries: Int

    /// Estimates mean recall from the recall of each query, `[queries]` in 0...1.
    ///
    /// A normal interval has width zero when every query found everything, which is the case that
    /// matters. So the lower end is computed with one more query that found nothing, and the upper
    /// end with one more that found everything. For n perfect queries the lower end is about 1 -
    /// 3/n, in agreement with the rule of three (Hanley and Lippman-Hand, JAMA 1983). Elsewhere the
    /// interval is slightly wider than necessary.
    ///
    /// - Precondition: at least one query.
    package init(shares: [Double]) {
        precondition(!shares.isEmpty, "an estimate needs at least one query")
        let own = Self.moments(shares)
        mean = own.mean
        standardError = own.error
        queries = shares.count
        let worst = Self.moments(shares + [0])
        let best = Self.moments(shares + [1])
        low = max(0, min(mean, worst.mean - Self.normalQuantile * worst.error))
        high = min(1, max(mean, best.mean + Self.normalQuantile * best.error))
    }

    private static func moments(_ values: [Double]) -> (mean: Double, error: Double) {
        let count = Double(values.count)
        let mean = values.reduce(0, +) / count
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        return (mean, (squares / max(1, count - 1) / count).squareRoot())
    }

    /// `value` rounded to four decimals by `rule`.
    package static func rounded(_ value: Double, _ rule: FloatingPointRoundingRule) -> Double {
        // Rounding errors above or below a four-decimal number do not move the result to the next.
        let scaled = value * 10_000
        let nearest = scaled.rounded()
        return (abs(scaled - nearest) < 1e-9 ? nearest : scaled.rounded(rule)) / 10_000
    }
}
