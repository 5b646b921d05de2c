// What the parts of a run need to know of the version they measure, be it in a store or behind a coordinator.
import Catalog
import Reporting
import SearchTypes
import TesseraBase

/// A version under measurement.
protocol MeasuredVersion: Sendable {
    var plan: AnalysisPlan { get }
    var stop: StopSign { get }
    var pool: WorkPool { get }
    var progress: ProgressHandler { get }
    /// Lists of all shards.
    var lists: Int { get }
    /// The operating points there are, cheapest first.
    var points: [(nprobe: Int, refineDepth: Int)] { get }
    /// How a query that says nothing, or what the plan says, is searched.
    func options(k: Int) -> SearchOptions
    func options(k: Int, nprobe: Int, refineDepth: Int) -> SearchOptions
}

extension MeasuredVersion {
    /// Does a part of a run, unless it was stopped, and notes how long that took.
    func timed<Value>(
        _ part: String, _ report: inout Report,
        _ body: () async throws(TesseraError) -> Value
    ) async throws(TesseraError) -> Value {
        try stop.check()
        let watch = Stopwatch()
        let value = try await body()
        report.seconds[part] = watch.elapsed.seconds.rounded(to: 2)
        return value
    }

    /// Holds live queries against those that the version keeps.
    func judgeDrift(
        _ report: inout Report, _ selection: QuerySelection, _ manifest: Manifest,
        in catalog: Catalog
    ) async throws(TesseraError) {
        guard plan.queriesPath != nil else { return }
        let drift = try await timed("drift", &report) { () async throws(TesseraError) in
            try await DriftStage(self, manifest, in: catalog).judge(selection.queries)
        }
        report.drift = drift
        if let drift {
            report.notes += [drift.words, drift.remark]
        } else {
            report.notes.append("drift is not judged: the version keeps no queries to judge it by")
        }
    }
}

extension Analyzer: MeasuredVersion {
    var lists: Int { index.shards.reduce(0) { $0 + $1.lists } }

    var points: [(nprobe: Int, refineDepth: Int)] {
        (index.operatingPoints ?? []).map { ($0.nprobe, $0.refineDepth) }
    }

    func options(k: Int) -> SearchOptions {
        options(
            k: k, nprobe: plan.nprobe ?? index.search.nprobe,
            refineDepth: plan.refineDepth ?? max(index.search.refineDepth, 10 * k))
    }

    func options(k: Int, nprobe: Int, refineDepth: Int) -> SearchOptions {
        SearchOptions(
            k: k, probeCount: nprobe, listMargin: index.listMargin(probes: nprobe),
            refineDepth: refineDepth,
            probeShards: index.probeShards(probes: nprobe))
    }
}
