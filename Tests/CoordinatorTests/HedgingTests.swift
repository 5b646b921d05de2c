// The usual latency of a worker, and the number of hedges allowed.
import Coordinator
import Testing

struct HedgingTests {
    @Test func `too few latencies make no percentile`() {
        var window = LatencyWindow()
        for _ in 0..<19 { window.add(.milliseconds(1)) }
        #expect(window.percentile95 == nil)
        window.add(.milliseconds(1))
        #expect(window.percentile95 == .milliseconds(1))
    }

    @Test func `the 95th percentile of a hundred latencies`() {
        var window = LatencyWindow()
        for milliseconds in (1...100).reversed() { window.add(.milliseconds(milliseconds)) }
        #expect(window.percentile95 == .milliseconds(95))
    }

    @Test func `only the latest latencies count`() {
        var window = LatencyWindow()
        for _ in 0..<128 { window.add(.seconds(1)) }
        for _ in 0..<128 { window.add(.milliseconds(2)) }
        #expect(window.percentile95 == .milliseconds(2))
    }

    @Test func `a burst of hedges is bounded, then one request in twenty is hedged`() {
        var budget = HedgeBudget()
        var taken = 0
        while budget.take() { taken += 1 }
        #expect(taken == 10)
        for _ in 0..<19 { budget.countRequest() }
        let result1 = budget.take()
        #expect(!result1)
        // 20 x 0.05 is not quite 1 in binary.
        budget.countRequest()
        budget.countRequest()
        let result2 = budget.take()
        #expect(result2)
        let result3 = budget.take()
        #expect(!result3)
    }

    @Test func `hedges are not saved up beyond the burst`() {
        var budget = HedgeBudget()
        for _ in 0..<10_000 { budget.countRequest() }
        var taken = 0
        while budget.take() { taken += 1 }
        #expect(taken == 10)
    }
}
