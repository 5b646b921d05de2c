// The load generator with a searcher of known speed.
import Analysis
import Foundation
import Reporting
import Search
import SearchTypes
import TesseraBase
import TestSupport
import Testing
import VectorCore
import VectorIndex

/// Takes at least `pause` for every query.
private struct SlowSearcher: LaneSearcher {
    let pause: TimeInterval
    var engine: SearchEngine { .tessera }
    var metric: Metric { .l2 }
    var codeBytes: Int { 1 }
    var modelBytes: Int { 1 }

    func search(
        _ query: ArraySlice<Float>, options: SearchOptions, filter: RowFilter?,
        scratch: inout SearchScratch
    ) throws(TesseraError) -> SearchAnswer {
        Thread.sleep(forTimeInterval: pause)
        var receipt = Receipt()
        receipt.codesScanned = 7
        return SearchAnswer(hits: [], receipt: receipt)
    }
}

struct LoadGeneratorTests {
    private func generator(pause: TimeInterval, lanes: Int, stop: StopSign = StopSign())
        -> LoadGenerator
    {
        LoadGenerator(
            SlowSearcher(pause: pause), Matrix(rows: 3, columns: 2),
            options: SearchOptions(
                k: 1, probeCount: 1, listMargin: nil, refineDepth: 1, probeShards: 1),
            concurrency: lanes, stop: stop)
    }

    @Test func `a query that waits for a lane has waited`() async throws {
        // Eight queries are due at once in one lane, 5 ms each: the last has waited for all others.
        let result = try await generator(pause: 0.005, lanes: 1)
            .openLoop(at: [Double](repeating: 0, count: 8))
        let sorted = result.latencies.sorted()
        #expect(sorted.count == 8)
        for (place, latency) in sorted.enumerated() {
            #expect(latency >= 0.005 * Double(place + 1))
        }
        #expect(result.work.codesScanned == 7 && result.work.queries == 8)
    }

    @Test func `a query that is due later is not sent before`() async throws {
        let result = try await generator(pause: 0, lanes: 2).openLoop(at: [0, 0.01, 0.03])
        #expect(result.latencies.count == 3 && result.elapsed >= 0.03)
        #expect(result.latencies.allSatisfy { $0 >= 0 })
    }

    @Test func `a closed loop ends, and its lanes share the queries`() async throws {
        let result = try await generator(pause: 0.001, lanes: 3).closedLoop(seconds: 0.05)
        #expect(result.latencies.count >= 3 && result.elapsed > 0)
        #expect(result.latencies.allSatisfy { $0 >= 0.001 })
    }

    @Test func `a stopped load throws`() async {
        let stop = StopSign()
        stop.stop()
        let generator = generator(pause: 0, lanes: 1, stop: stop)
        #expect(
            await failure { _ = try await generator.closedLoop(seconds: 60) }?.code == .cancelled)
        #expect(await failure { _ = try await generator.openLoop(at: [50]) }?.code == .cancelled)
    }

    @Test func `a summary's histogram holds every query`() async throws {
        let result = try await generator(pause: 0.001, lanes: 1).closedLoop(seconds: 0.02)
        let summary = Report.LoadSummary(result, concurrency: 1, rate: nil)
        #expect(summary.histogram.reduce(0) { $0 + $1.queries } == summary.queries)
        #expect(summary.p50Microseconds <= summary.p99Microseconds)
        let last = try #require(summary.histogram.last)
        #expect(last.microseconds >= summary.maxMicroseconds * 0.999)
    }
}
