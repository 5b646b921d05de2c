// One run against a coordinator, stage by stage. Each stage stores its result in the report before
// the next starts. What the answers said about themselves is in the report however the run ends.
import Catalog
import Foundation
import Recall
import Reporting
import SearchTypes
import TesseraBase
import VectorCore
import VectorIndex

/// A run with everything it needs.
struct CoordinatorRun: MeasuredVersion {
    let plan: AnalysisPlan
    let stop: StopSign
    let pool: WorkPool
    let progress: ProgressHandler
    let client: CoordinatorClient
    let served: ServedSubject
    let selection: QuerySelection
    let searcher: CoordinatorSearcher

    var lists: Int { served.document.lists }

    var points: [(nprobe: Int, refineDepth: Int)] {
        served.document.operatingPoints.map { ($0.nprobe, $0.refine) }
    }

    func options(k: Int) -> SearchOptions {
        options(
            k: k, nprobe: plan.nprobe ?? served.document.defaultNprobe,
            refineDepth: plan.refineDepth ?? max(served.document.defaultRefine, 10 * k))
    }

    /// Sets nprobe and refine depth only: the coordinator chooses how many shards to offer and
    /// which lists to leave out.
    func options(k: Int, nprobe: Int, refineDepth: Int) -> SearchOptions {
        SearchOptions(
            k: k, probeCount: nprobe, listMargin: nil, refineDepth: refineDepth, probeShards: 0)
    }

    func outcome(at now: Date) async -> Analyzer.Outcome {
        let options = options(k: plan.k)
        var report = Report(
            createdAt: now, subject: subject, machine: MachineDescription.current,
            settings: Report.Settings(
                nprobe: options.probeCount, refineDepth: options.refineDepth, probeShards: 0,
                k: plan.k, concurrency: plan.concurrency, queries: selection.queries.rows,
                queriesFrom: selection.origin, seed: plan.seed, mode: "coordinator"))
        report.notes.append(
            "times are those of a client in this process: with connection, HTTP and JSON; every query asks for its receipt, which "
                + "bypasses the response cache")
        let before = try? await client.stats()
        var failure: TesseraError?
        do throws(TesseraError) {
            try await measure(&report, options)
            report.complete = true
        } catch {
            report.stoppedBy = error.description
            failure = error
        }
        // The second /stats is missing if the coordinator is gone; the report keeps the first.
        let view = CoordinatorView(
            url: client.url, searcher.tally.counts, before: before,
            after: try? await client.stats())
        report.coordinator = view
        report.notes += view.notes
        return Analyzer.Outcome(report: report, failure: failure)
    }

    private func measure(
        _ report: inout Report, _ options: SearchOptions
    ) async throws(TesseraError) {
        try await fillCells(&report)
        let truth = try await timed("truth", &report) { () async throws(TesseraError) in
            try await findTruth()
        }
        report.take(truth, of: selection)
        if let stored = served.stored {
            try await judgeDrift(&report, selection, stored.manifest, in: stored.catalog)
        } else if plan.queriesPath != nil {
            report.notes.append(
                "drift is not judged: give the store with --store for the queries stored with the version"
            )
        }
        let recall = RecallStage(self, searcher, selection, truth.truth)
        report.recall = try await timed("recall", &report) { () async throws(TesseraError) in
            try await recall.lines()
        }
        let load = LoadStage(self, searcher, selection.queries, options)
        try await load.warmUp()
        let closed = try await timed("closed loop", &report) { () async throws(TesseraError) in
            try await load.closed()
        }
        report.closedLoop = closed.summary
        report.work = closed.result.work
        report.settings.probeShards = Int(closed.result.work.shardsOffered.rounded())
        report.tiers = tiers(closed.result.work)
        report.openLoop = try await timed("open loop", &report) { () async throws(TesseraError) in
            try await load.open(after: closed.result)
        }
        report.curve = try await timed("curve", &report) { () async throws(TesseraError) in
            try await recall.curve()
        }
    }

    /// Sizes of the shards. Hits per shard are unknown to a client.
    private func fillCells(_ report: inout Report) async throws(TesseraError) {
        report.cells = try await client.shards().shards.map {
            Report.Cell(
                shard: $0.ordinal, vectors: $0.vectors, lists: $0.lists, bytes: $0.bytes,
                queries: 0, recall: nil)
        }
    }

    private func findTruth() async throws(TesseraError) -> TruthFinder.Outcome {
        let most = served.document.maxK - selection.extra
        let ks = Set(Analyzer.recallDepths + [plan.k]).filter { $0 <= most }.sorted()
        let finder = TruthFinder(
            vectors: served.document.vectors, dimension: served.document.dimension,
            metric: served.metric,
            version: served.stored.map { ($0.manifest.index, $0.catalog) }, selection, ks: ks,
            pool: pool,
            stop: stop, progress: progress)
        if let path = plan.vectorsPath {
            return try await finder.vectors(
                path: path, idsPath: plan.idsPath, folder: plan.truthFolder,
                budgetSeconds: plan.budgetSeconds / 2)
        }
        guard served.stored != nil else {
            return TruthFinder.Outcome(
                truth: GroundTruth(queries: 0, levels: [:]),
                notes: [
                    "recall was not measured: there are no exact neighbours to compare with; give the vectors with --vectors, or "
                        + "the store with --store"
                ])
        }
        return try await finder.stored(budgetSeconds: plan.budgetSeconds / 2)
    }

    private var subject: Report.Subject {
        let document = served.document
        return Report.Subject(
            store: client.url, index: served.name, version: served.number,
            vectors: document.vectors, dimension: document.dimension,
            metric: served.metric.rawValue, shards: document.shards, lists: document.lists,
            codeBytes: document.codeBytes, refine: document.refine ?? "none",
            partition: document.partition ?? "none")
    }

    /// What a query reads of each tier. Where the tiers are held is unknown to a client.
    private func tiers(_ work: MeanReceipt) -> [Report.Tier] {
        let document = served.document
        let rowBytes = Double(
            document.refine.flatMap(RefineEncoding.init)?.rowSize(dimension: document.dimension)
                ?? 0)
        let vectors = Double(document.vectors)
        var tiers = [
            Report.Tier(
                name: "codes", place: "server", bytes: document.codeBytes * vectors,
                bytesPerVector: document.codeBytes,
                bytesPerQuery: (work.codesScanned * document.codeBytes).rounded(to: 1),
                itemsPerQuery: work.codesScanned, item: "codes")
        ]
        if rowBytes > 0 {
            tiers.append(
                Report.Tier(
                    name: "refine rows", place: "server", bytes: rowBytes * vectors,
                    bytesPerVector: rowBytes,
                    bytesPerQuery: (work.rowsRefined * rowBytes).rounded(to: 1),
                    itemsPerQuery: work.rowsRefined, item: "rows"))
        }
        return tiers
    }
}
