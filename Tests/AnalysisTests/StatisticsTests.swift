// Statistics compared with values from references or by hand.
import Analysis
import Foundation
import Recall
import Reporting
import Testing
import VectorCore

struct StatisticsTests {
    @Test(arguments: [(0.5, 3.0), (0.61, 4), (0.0, 1), (1.0, 5), (0.99, 5), (0.2, 1), (0.21, 2)])
    func `a quantile is the smallest that so many do not exceed`(share: Double, value: Double) {
        #expect(Statistics.quantile([1, 2, 3, 4, 5], share) == value)
        #expect(Statistics.quantile([], share) == 0)
    }

    // From R: binom.test(x, n, 0.5)$p.value
    @Test(arguments: [
        (0, 5, 0.0625), (1, 9, 0.021484375), (5, 5, 1.0), (3, 7, 0.34375), (0, 0, 1.0),
        (40, 60, 0.05688793), (0, 10, 0.001953125), (900, 1100, 8.45709e-06),
    ])
    func `the sign test is the exact binomial one`(wins: Int, losses: Int, p: Double) {
        let found = Statistics.signTest(wins: wins, losses: losses)
        #expect(abs(found - p) < 1e-5 * p, "\(found)")
        #expect(found == Statistics.signTest(wins: losses, losses: wins))
    }

    @Test func `a bootstrap interval has the width of the standard error`() {
        // A hundred values 0...99: mean 49.5, standard error 28.866 / 10.
        let values = (0..<100).map(Double.init)
        let interval = Statistics.pairedBootstrap(count: 100, resamples: 4000, seed: 7) { drawn in
            Statistics.mean(drawn.map { values[$0] })
        }
        #expect(interval.estimate == 49.5)
        #expect(abs((interval.high - interval.low) - 2 * 1.96 * 2.8866) < 0.5)
        let again = Statistics.pairedBootstrap(count: 100, resamples: 4000, seed: 7) { drawn in
            Statistics.mean(drawn.map { values[$0] })
        }
        #expect(again == interval)
        #expect(Statistics.pairedBootstrap(count: 1, seed: 7) { _ in 3 }.low == 3)
    }

    @Test func `arrivals come at their rate, and differ as independent ones do`() {
        let times = Statistics.arrivals(rate: 1000, seconds: 20, seed: 1, most: 100_000)
        // A Poisson count of 20,000 has a standard deviation of 141.
        #expect(abs(times.count - 20_000) < 5 * 141)
        #expect(times == times.sorted() && times.allSatisfy { (0..<20).contains($0) })
        let gaps = zip(times.dropFirst(), times).map { $0 - $1 }
        let mean = Statistics.mean(gaps)
        let deviation = Statistics.mean(gaps.map { ($0 - mean) * ($0 - mean) }).squareRoot()
        // The standard deviation of exponential gaps equals their mean.
        #expect(abs(deviation / mean - 1) < 0.05)
        #expect(times == Statistics.arrivals(rate: 1000, seconds: 20, seed: 1, most: 100_000))
        #expect(Statistics.arrivals(rate: 1000, seconds: 20, seed: 1, most: 7).count == 7)
    }

    @Test func `an estimate is never surer than its queries allow`() {
        let perfect = RecallEstimate(shares: [Double](repeating: 1, count: 300))
        // With one more query that finds nothing: mean 300/301, standard error 1/301.
        let low = 300.0 / 301 - 1.959964 * (1.0 / 301)
        #expect(abs(perfect.low - low) < 1e-6 && perfect.high == 1 && perfect.mean == 1)
        #expect(perfect.low > 0.99 && perfect.low < 1)
        let hopeless = RecallEstimate(shares: [Double](repeating: 0, count: 300))
        #expect(hopeless.low == 0 && abs(hopeless.high - (1 - low)) < 1e-6)
        let one = RecallEstimate(shares: [0.5])
        #expect(one.low == 0 && one.high == 1)
        let near = RecallEstimate(shares: [Double](repeating: 1, count: 299) + [0.9])
        #expect(near.low < perfect.low)
    }

    @Test func `the interval holds the true recall at least as often as it says`() {
        var random = SeededRandom(seed: 5)
        for (easy, hard) in [(0.99, 0.6), (1.0, 0.9), (0.5, 0.5), (1.0, 0.0)] {
            // A tenth of the queries is hard.
            let truth = 0.9 * easy + 0.1 * hard
            var held = 0
            for _ in 0..<400 {
                let shares = (0..<200).map { _ -> Double in
                    let chance = Double.random(in: 0..<1, using: &random) < 0.1 ? hard : easy
                    let found = (0..<10).count { _ in
                        Double.random(in: 0..<1, using: &random) < chance
                    }
                    return Double(found) / 10
                }
                let estimate = RecallEstimate(shares: shares)
                if estimate.low <= truth && truth <= estimate.high { held += 1 }
            }
            // At least 380 of 400 are expected; three standard deviations are 13.
            #expect(held >= 367, "\(easy) \(hard): \(held)")
        }
    }

    @Test(arguments: [
        (0.95, FloatingPointRoundingRule.down, 0.95), (0.94999, .down, 0.9499),
        (0.98765, .up, 0.9877), (0.1 + 0.2, .down, 0.3),
    ])
    func `ends are rounded outwards, and round numbers stay`(
        value: Double, rule: FloatingPointRoundingRule, rounded: Double
    ) {
        #expect(RecallEstimate.rounded(value, rule) == rounded)
    }
}
