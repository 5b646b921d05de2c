// What a few hundred queries say about all of them: a mean share found, and between which ends the true one lies.

/// A mean recall and its confidence interval.
package struct RecallEstimate: Sendable, Equatable {
    /// Two-sided, of every interval here.
    package static let confidence = 0.95
    /// The standard normal quantile that goes with it.
    package static let normalQuantile = 1.959_963_984_540_054

    package let mean: Double
    package let standardError: Double
    package let low: Double
    package let high: Double
    package let queries: Int

    /// The estimate by each query's share found, `[queries]` in 0...1.
    ///
    /// The normal interval of a mean has no width where no query missed anything, which is the case that matters. So the
    /// lower end is that of the shares with one more query that found nothing, the upper end with one that found all:
    /// for n perfect queries the lower end is about 1 - 3/n, as the rule of three has it (Hanley and Lippman-Hand, JAMA
    /// 1983). It is a little wider than it had to be everywhere else.
    ///
    /// - Precondition: at least one share.
    package init(shares: [Double]) {
        precondition(!shares.isEmpty, "an estimate needs a query")
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

    /// `value` with four digits, away from where it would promise more.
    package static func rounded(_ value: Double, _ rule: FloatingPointRoundingRule) -> Double {
        // A last bit above a round number is no reason to promise less.
        let scaled = value * 10_000
        let nearest = scaled.rounded()
        return (abs(scaled - nearest) < 1e-9 ? nearest : scaled.rounded(rule)) / 10_000
    }
}
