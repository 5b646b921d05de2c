// Runs the parts of a report one after the other. What one part finds is in the report before the next begins, so that a
// run which ends early, for whatever reason, still has a report: marked, with the reason.
package import Catalog
package import Foundation
package import ObjectStore
import SearchProtocol
package import TesseraBase
import VectorCore
import Worker

/// What a report is to cover.
package struct AnalysisPlan: Sendable {
    package var store: String
    package var k = 10
    /// The manifest's unless given.
    package var nprobe: Int?
    package var refineDepth: Int?
    package var queriesPath: String?
    package var mostQueries = 500
    package var vectorsPath: String?
    package var idsPath: String?
    package var truthFolder: String?
    package var budgetSeconds = 120.0
    /// Of each load.
    package var loadSeconds = 3.0
    package var concurrency = 1
    /// Queries a second that the open loop offers; half of what the closed loop reached unless given.
    package var rate: Double?
    package var coldQueries = 24
    package var curvePoints = 8
    package var prices = CostTable.usual
    /// Vectors that small indexes are built of for the table of exact search against IVF-PQ; 0: no table.
    package var classicSample = 64_000
    package var seed: UInt64 = 42

    package init(store: String) {
        self.store = store
    }
}

/// Measures one version.
package struct Analyzer: Sendable {
    static let recallDepths = [1, 10, 100]

    let plan: AnalysisPlan
    let manifest: Manifest
    let catalog: Catalog
    /// The store itself, where requests are counted.
    let base: any ObjectStore
    let stop: StopSign
    let pool: WorkPool
    let progress: ProgressHandler

    package init(
        _ plan: AnalysisPlan, _ manifest: Manifest, base: any ObjectStore, pool: WorkPool,
        stop: StopSign, progress: @escaping ProgressHandler
    ) throws(TesseraError) {
        self.plan = plan
        self.manifest = manifest
        self.base = base
        catalog = try Catalog(store: base, index: try IndexName(manifest.index.name))
        self.stop = stop
        self.pool = pool
        self.progress = progress
    }

    var index: IndexDescription { manifest.index }

    /// A report, and what ended it early.
    package struct Outcome: Sendable {
        package let report: Report
        package let failure: TesseraError?
    }

    /// Measures everything.
    ///
    /// - Throws: only what is found before anything was measured: a value that cannot be, queries that do not fit.
    package func run(at now: Date) async throws(TesseraError) -> Outcome {
        try check()
        let selection = try await QuerySelection(
            path: plan.queriesPath, of: index, in: catalog, most: plan.mostQueries, seed: plan.seed)
        var report = Report(
            createdAt: now, subject: subject, machine: Self.machine,
            settings: settings(selection))
        do throws(TesseraError) {
            try await measure(&report, selection)
            report.complete = true
            return Outcome(report: report, failure: nil)
        } catch {
            report.stoppedBy = error.description
            return Outcome(report: report, failure: error)
        }
    }

    private func check() throws(TesseraError) {
        let lists = index.shards.reduce(0) { $0 + $1.lists }
        let sizes: [(String, Int, ClosedRange<Int>)] = [
            ("-k", plan.k, 1...min(1000, index.vectors)),
            ("--nprobe", plan.nprobe ?? 1, 1...lists),
            ("--refine", plan.refineDepth ?? plan.k, min(plan.k, 100_000)...100_000),
            ("--concurrency", plan.concurrency, 1...1024),
            ("--cold-queries", plan.coldQueries, 0...10_000),
            ("--curve-points", plan.curvePoints, 0...64),
        ]
        for (name, value, range) in sizes where !range.contains(value) {
            throw TesseraError(
                .invalidArgument,
                "\(name) \(value) is out of range for index '\(index.name)'; "
                    + "give \(range.lowerBound) to \(range.upperBound)")
        }
        let durations: [(String, Double)] = [
            ("--budget-seconds", plan.budgetSeconds), ("--load-seconds", plan.loadSeconds),
            ("--rate", plan.rate ?? 1),
        ]
        for (name, value) in durations where !(value > 0 && value <= 1e7) {
            throw TesseraError(
                .invalidArgument, "\(name) \(value) is out of range; give more than 0, at most 1e7")
        }
    }

    private func measure(
        _ report: inout Report, _ selection: QuerySelection
    ) async throws(TesseraError) {
        let options = options(k: plan.k)
        let searcher = try await timed("load", &report) { () async throws(TesseraError) in
            try await VersionLoader.searcher(
                manifest, from: catalog, pool: pool, cold: nil, progress: progress)
        }
        let truth = try await timed("truth", &report) { () async throws(TesseraError) in
            try await findTruth(selection)
        }
        report.notes += truth.notes
        let sources = Set(truth.truth.levels.values.map(\.source.words)).sorted()
        report.truth = Report.TruthSummary(
            from: sources.joined(separator: "; "), queries: truth.truth.queries,
            sampled: truth.isSampled(of: selection.queries.rows), cached: truth.cached)
        let recall = RecallStage(self, searcher, selection, truth.truth)
        let lines = try await timed("recall", &report) { () async throws(TesseraError) in
            try await recall.lines()
        }
        report.recall = lines
        report.cells = try await recall.cells(options)
        try await measureLoads(&report, searcher, selection, options)
        report.curve = try await timed("curve", &report) { () async throws(TesseraError) in
            try await recall.curve()
        }
        let reads = try await timed("store", &report) { () async throws(TesseraError) in
            try await StoreStage(self, selection).measure(options)
        }
        (report.cold, report.warm) = (reads?.cold, reads?.warm)
        report.costs = Costs(
            plan.prices, storedBytes: storedBytes,
            queriesPerSecond: report.settings.mode == "memory"
                ? report.closedLoop?.queriesPerSecond : nil,
            cold: report.cold, warm: report.warm)
        let soFar = report
        let (classic, note) = try await timed("exact against IVF-PQ", &report) {
            () async throws(TesseraError) in try await ClassicStage(analyzer: self).measure(soFar)
        }
        report.classic = classic
        report.notes += note
    }

    private func measureLoads(
        _ report: inout Report, _ searcher: any VersionSearcher, _ selection: QuerySelection,
        _ options: SearchOptions
    ) async throws(TesseraError) {
        let load = LoadGenerator(
            searcher, selection.queries, options: options, concurrency: plan.concurrency,
            stop: stop)
        // The first queries bring code and memory in.
        _ = try await load.closedLoop(seconds: plan.loadSeconds / 10)
        progress(ProgressUpdate(phase: "measuring load", completed: 0, total: 2, unit: "loads"))
        let closed = try await timed("closed loop", &report) { () async throws(TesseraError) in
            try await load.closedLoop(seconds: plan.loadSeconds)
        }
        report.closedLoop = Report.LoadSummary(
            closed, concurrency: plan.concurrency, rate: nil)
        report.work = closed.work
        report.memory = memory(searcher)
        report.tiers = tiers(closed.work, searcher)
        let rate = plan.rate ?? closed.queriesPerSecond / 2
        let arrivals = Statistics.arrivals(
            rate: rate, seconds: plan.loadSeconds, seed: plan.seed,
            most: LoadGenerator.mostArrivals)
        progress(ProgressUpdate(phase: "measuring load", completed: 1, total: 2, unit: "loads"))
        let open = try await timed("open loop", &report) { () async throws(TesseraError) in
            try await load.openLoop(at: arrivals)
        }
        report.openLoop = Report.LoadSummary(open, concurrency: plan.concurrency, rate: rate)
        progress(ProgressUpdate(phase: "measuring load", completed: 2, total: 2, unit: "loads"))
    }

    private func findTruth(_ selection: QuerySelection) async throws(TesseraError)
        -> TruthFinder.Outcome
    {
        let ks = Set(Self.recallDepths + [plan.k]).sorted()
        let finder = TruthFinder(
            index, in: catalog, selection, ks: ks, pool: pool, stop: stop, progress: progress)
        guard let path = plan.vectorsPath else {
            return try await finder.stored(budgetSeconds: plan.budgetSeconds / 2)
        }
        return try await finder.vectors(
            path: path, idsPath: plan.idsPath, folder: plan.truthFolder,
            budgetSeconds: plan.budgetSeconds / 2)
    }

    /// How a query that says nothing, or what the plan says, is searched.
    func options(k: Int) -> SearchOptions {
        let nprobe = plan.nprobe ?? index.search.nprobe
        return SearchOptions(
            k: k, probeCount: nprobe,
            refineDepth: plan.refineDepth ?? max(index.search.refineDepth, 10 * k),
            probeShards: index.probeShards(probes: nprobe))
    }

    private func timed<Value>(
        _ part: String, _ report: inout Report,
        _ body: () async throws(TesseraError) -> Value
    ) async throws(TesseraError) -> Value {
        try stop.check()
        let start = ContinuousClock.now
        let value = try await body()
        report.seconds[part] = (ContinuousClock.now - start).inSeconds.rounded(to: 2)
        return value
    }
}
