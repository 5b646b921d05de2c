// The fits behind the planner, on curves whose law is known.
import Foundation
import Planner
import Testing
import VectorCore

struct PlannerFitTests {
    /// y = 0.3 / p x (n / 10,000)^(0.1 + 0.05 ln p), with one cell for each p.
    private static func law(_ probe: Double, _ size: Double) -> Double {
        0.3 / probe * pow(size / 10_000, 0.1 + 0.05 * log(probe))
    }

    private static func terms(_ probe: Double, _ size: Double) -> [Double] {
        [log(size), log(probe) * log(size)]
    }

    private static func observations(noise: Double) -> [PooledPowerLaw.Observation] {
        var random = SeededRandom(seed: 5)
        return [1.0, 4, 16, 64].enumerated().flatMap { cell, probe in
            [1000.0, 2000, 4000, 16_000].map { size in
                let off = Double.random(in: -noise...noise, using: &random)
                return PooledPowerLaw.Observation(
                    cell: cell, terms: terms(probe, size), value: law(probe, size) * (1 + off),
                    weight: 1)
            }
        }
    }

    @Test func `a power law is found, and holds far beyond what was seen`() {
        let fit = PooledPowerLaw(Self.observations(noise: 0))
        #expect(abs(fit.exponents[0] - 0.1) < 1e-3 && abs(fit.exponents[1] - 0.05) < 1e-3)
        for (cell, probe) in [1.0, 4, 16, 64].enumerated() {
            let found = fit.value(cell: cell, Self.terms(probe, 1e6)) ?? 0
            #expect(abs(found / Self.law(probe, 1e6) - 1) < 0.01)
        }
        #expect(fit.value(cell: 9, Self.terms(4, 1e6)) == nil)
    }

    @Test func `noise of a twentieth moves a sixtyfold extrapolation by less than a fifth`() {
        let fit = PooledPowerLaw(Self.observations(noise: 0.05))
        for (cell, probe) in [1.0, 4, 16, 64].enumerated() {
            let found = fit.value(cell: cell, Self.terms(probe, 1e6)) ?? 0
            #expect(abs(found / Self.law(probe, 1e6) - 1) < 0.2)
        }
    }

    @Test func `what was seen at one size only is not made to change`() {
        let one = PooledPowerLaw.Observation(cell: 0, terms: [log(1000)], value: 0.2, weight: 1)
        #expect(abs((PooledPowerLaw([one]).value(cell: 0, [log(1e9)]) ?? 0) - 0.2) < 1e-9)
        #expect(PooledPowerLaw([]).value(cell: 0, []) == nil)
    }

    @Test func `parts of a sum are found, and none below zero`() {
        var random = SeededRandom(seed: 8)
        let rows = (0..<40).map { _ in
            [
                1, Double.random(in: 1..<50, using: &random),
                Double.random(in: 100..<9000, using: &random),
            ]
        }
        let found = NonNegativeFit.solve(rows, rows.map { 3 + 0.5 * $0[1] + 0.002 * $0[2] })
        #expect(
            abs(found[0] - 3) < 1e-3 && abs(found[1] - 0.5) < 1e-4 && abs(found[2] - 0.002) < 1e-6)
        let falling = NonNegativeFit.solve(rows, rows.map { 100 - $0[1] })
        #expect(falling.allSatisfy { $0 >= 0 })
    }

    @Test(arguments: [1.5, 4, 10])
    func `the nearest of a sample count as often as they are among the nearest of all`(
        thinning: Double
    ) {
        let shares = ThinnedRanks.shares(thinning, k: 10)
        #expect(abs(shares.reduce(0, +) - 1) < 1e-9)
        // Draw samples of the ten nearest: those in the sample are its nearest.
        var random = SeededRandom(seed: 3, stream: 1)
        var counts = [Double](repeating: 0, count: 10)
        for _ in 0..<20_000 {
            let drawn = (0..<10).count { _ in
                Double.random(in: 0..<thinning, using: &random) < 1
            }
            for rank in 0..<drawn { counts[rank] += 1 }
        }
        let all = counts.reduce(0, +)
        for (share, count) in zip(shares, counts) { #expect(abs(share - count / all) < 0.01) }
    }

    @Test func `in a sample that is all there is every rank counts the same`() {
        #expect(ThinnedRanks.shares(1, k: 4) == [0.25, 0.25, 0.25, 0.25])
    }
}
