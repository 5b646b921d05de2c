// Runs the stages of a report one after the other. Each stage stores its result in the report
// before the next starts, so a run that ends early still has a report, marked as partial with the
// reason.
package import Catalog
package import Foundation
package import ObjectStore
import Recall
package import Reporting
import Search
import SearchTypes
package import TesseraBase
import VectorCore

/// What a report is to cover.
package struct AnalysisPlan: Sendable {
    package var store: String
    /// For a coordinator, the version that has to answer; nil accepts any.
    package var version: Int?
    package var k = 10
    /// Lists scanned per query; nil takes the manifest's number.
    package var nprobe: Int?
    package var refineDepth: Int?
    package var queriesPath: String?
    package var mostQueries = 500
    package var vectorsPath: String?
    package var idsPath: String?
    package var truthFolder: String?
    package var budgetSeconds = 120.0
    /// Seconds that each load lasts.
    package var loadSeconds = 3.0
    package var concurrency = 1
    /// Queries per second in the open loop; nil offers half of what the closed loop reached.
    package var rate: Double?
    package var coldQueries = 24
    package var curvePoints = 8
    package var prices = CostTable.usual
    /// Vectors to build small indexes of, for the table of exact search against IVF-PQ; 0 leaves
    /// the table out.
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

    /// A report, and the error that ended it early, if any.
    package struct Outcome: Sendable {
        package let report: Report
        package let failure: TesseraError?
    }

    /// Measures everything.
    ///
    /// - Throws: only errors found before the first measurement: a value out of range, or queries
    ///   that do not fit. Later errors are in the outcome.
    package func run(at now: Date) async throws(TesseraError) -> Outcome {
        try plan.check(index: index.name, vectors: index.vectors, lists: lists)
        let selection = try await QuerySelection(
            path: plan.queriesPath, of: index, in: catalog, most: plan.mostQueries, seed: plan.seed)
        var report = Report(
            createdAt: now, subject: subject, machine: MachineDescription.current,
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
        report.take(truth, of: selection)
        try await judgeDrift(&report, selection, manifest, in: catalog)
        let recall = RecallStage(self, searcher, selection, truth.truth)
        let lines = try await timed("recall", &report) { () async throws(TesseraError) in
            try await recall.lines()
        }
        report.recall = lines
        report.cells = try await recall.cells(index.shards, options)
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
        let load = LoadStage(self, searcher, selection.queries, options)
        try await load.warmUp()
        let closed = try await timed("closed loop", &report) { () async throws(TesseraError) in
            try await load.closed()
        }
        report.closedLoop = closed.summary
        report.work = closed.result.work
        report.memory = memory(searcher)
        report.tiers = tiers(closed.result.work, searcher)
        report.openLoop = try await timed("open loop", &report) { () async throws(TesseraError) in
            try await load.open(after: closed.result)
        }
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
}
