// What the stages of a run need of the measured version, whether it is in a store or behind a
// coordinator.
import Catalog
import Reporting
import SearchTypes
import TesseraBase

/// A version that is being measured.
protocol MeasuredVersion: Sendable {
    var plan: AnalysisPlan { get }
    var stop: StopSign { get }
    var pool: WorkPool { get }
    var progress: ProgressHandler { get }
    /// Number of lists in all shards.
    var lists: Int { get }
    /// The operating points of the version, cheapest first.
    var points: [(nprobe: Int, refineDepth: Int)] { get }
    /// Options of a query without any of its own: the plan's values, else the version's defaults.
    func options(k: Int) -> SearchOptions
    func options(k: Int, nprobe: Int, refineDepth: Int) -> SearchOptions
}

extension MeasuredVersion {
    /// Runs one stage unless the run was stopped, and records its time.
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

    /// Compares live queries with those stored with the version.
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
            report.notes.append("drift is not judged: no queries are stored with the version")
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
