// Measures throughput with a closed loop, then latency with an open loop at a fraction of it.
import Reporting
import Search
import SearchTypes
import TesseraBase
import VectorCore

/// Puts a version under load.
struct LoadStage: Sendable {
    private let subject: any MeasuredVersion
    private let load: LoadGenerator

    init(
        _ subject: any MeasuredVersion, _ searcher: any VersionSearcher, _ queries: Matrix,
        _ options: SearchOptions
    ) {
        self.subject = subject
        load = LoadGenerator(
            searcher, queries, options: options, concurrency: subject.plan.concurrency,
            stop: subject.stop)
    }

    /// Warms caches and opens connections.
    func warmUp() async throws(TesseraError) {
        _ = try await load.closedLoop(seconds: subject.plan.loadSeconds / 10)
        tell(0)
    }

    func closed() async throws(TesseraError) -> (result: LoadResult, summary: Report.LoadSummary) {
        let result = try await load.closedLoop(seconds: subject.plan.loadSeconds)
        tell(1)
        return (
            result,
            Report.LoadSummary(result, concurrency: subject.plan.concurrency, rate: nil)
        )
    }

    /// Runs the open loop.
    ///
    /// - Parameter closed: result of the closed loop; half its throughput is offered if the plan
    ///   gives no rate.
    func open(after closed: LoadResult) async throws(TesseraError) -> Report.LoadSummary {
        let plan = subject.plan
        let rate = plan.rate ?? closed.queriesPerSecond / 2
        let arrivals = Statistics.arrivals(
            rate: rate, seconds: plan.loadSeconds, seed: plan.seed,
            most: LoadGenerator.mostArrivals)
        // At least one query, however short the time and low the rate.
        let result = try await load.openLoop(at: arrivals.isEmpty ? [0] : arrivals)
        tell(2)
        return Report.LoadSummary(result, concurrency: plan.concurrency, rate: rate)
    }

    private func tell(_ completed: Int) {
        subject.progress(
            ProgressUpdate(
                phase: "measuring load", completed: completed, total: 2, unit: "loads"))
    }
}
