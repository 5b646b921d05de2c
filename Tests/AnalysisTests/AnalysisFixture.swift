// A published index in a folder, with the file it was trained on, for reports and comparisons.
import Analysis
import Catalog
import Foundation
import Indexer
import ObjectStore
import Recall
import Reporting
import TesseraBase
import TestSupport
import VectorCore
import VectorIndex

/// 1,200 x 16 clustered vectors (or another number) in three or more shards, and 40 vectors of the
/// same distribution as queries.
struct AnalysisFixture {
    let folder: TemporaryFolder
    let vectors: Matrix
    let strangers: Matrix
    let store: FileStore
    let catalog: Catalog
    let manifest: Manifest

    var vectorsPath: String { folder.path("vectors.fbin") }
    var idsPath: String { folder.path("ids.txt") }
    var queriesPath: String { folder.path("queries.fbin") }

    init(queries: Int = 60, rows: Int = 1200, metric: Metric = .l2) async throws {
        folder = try TemporaryFolder()
        let all = RandomVectors.clustered(rows: rows + 40, columns: 16, clusters: 12, seed: 3)
        vectors = all.gathering(Array(0..<rows))
        strangers = all.gathering(Array(rows..<rows + 40))
        try VectorFileWriter.write(vectors, to: folder.path("vectors.fbin"))
        try VectorFileWriter.write(strangers, to: folder.path("queries.fbin"))
        let lines = (0..<vectors.rows).map { "v\($0)\n" }.joined()
        var settings = IndexSettings(
            index: "photos", metric: metric,
            scratchFolder: folder.url.path)
        settings.shardSize = 400
        settings.queryCount = queries
        store = FileStore(root: folder.path("store"))
        catalog = try Catalog(store: store, index: IndexName("photos"))
        _ = try await IndexBuilder(
            settings: settings,
            source: try FileVectors(
                vectorsPath: folder.path("vectors.fbin"),
                idsPath: try folder.write("ids.txt", Data(lines.utf8))),
            backend: MockBackend(), catalog: catalog, pool: WorkPool(width: 2), progress: { _ in }
        ).run()
        manifest = try await catalog.publish().manifest
    }

    /// A plan that takes little time.
    func plan() -> AnalysisPlan {
        var plan = AnalysisPlan(store: "file://\(store.root)")
        plan.loadSeconds = 0.02
        plan.coldQueries = 3
        plan.curvePoints = 3
        return plan
    }

    func analyzer(_ plan: AnalysisPlan, stop: StopSign = StopSign()) throws -> Analyzer {
        try Analyzer(
            plan, manifest, base: store, pool: WorkPool(width: 2), stop: stop, progress: { _ in })
    }

    func report(_ plan: AnalysisPlan, stop: StopSign = StopSign()) async throws
        -> Analyzer.Outcome
    {
        try await analyzer(plan, stop: stop).run(at: Date(timeIntervalSince1970: 1_769_860_800))
    }

    func selection(_ path: String? = nil, most: Int = 500) async throws -> QuerySelection {
        try await QuerySelection(
            path: path, of: manifest.index, in: catalog, most: most, seed: 1)
    }

    func finder(_ selection: QuerySelection, ks: [Int] = [1, 10, 100]) -> TruthFinder {
        TruthFinder(
            manifest.index, in: catalog, selection, ks: ks, pool: WorkPool(width: 2),
            stop: StopSign(), progress: { _ in })
    }
}
