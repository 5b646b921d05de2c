// Measures what a running coordinator serves, as a client: the stages of ``Analyzer`` that need no
// shard, with the same load generator and statistics. Facts that only the store has are looked up
// there, if a store is given.
package import Catalog
package import Foundation
import Indexer
import ObjectStore
import Recall
package import Reporting
package import TesseraBase
import VectorCore

/// Measures the version that a coordinator answers with.
package struct CoordinatorAnalyzer: Sendable {
    let plan: AnalysisPlan
    let stop: StopSign
    let pool: WorkPool
    let progress: ProgressHandler
    private let client: CoordinatorClient
    /// The index in the store that the coordinator serves; nil if it cannot be read.
    private let catalog: Catalog?

    package init(
        _ plan: AnalysisPlan, _ client: CoordinatorClient, catalog: Catalog?, pool: WorkPool,
        stop: StopSign, progress: @escaping ProgressHandler
    ) {
        self.plan = plan
        self.client = client
        self.catalog = catalog
        self.pool = pool
        self.stop = stop
        self.progress = progress
    }

    /// Measures everything.
    ///
    /// - Throws: only errors found before the first measurement: a coordinator that does not answer
    ///   or does not know the index, a version that does not answer, a value out of range, or
    ///   queries that do not fit.
    package func run(at now: Date) async throws(TesseraError) -> Analyzer.Outcome {
        let served = try await ServedSubject(client, plan, catalog)
        let selection = try await served.selection(plan)
        let run = CoordinatorRun(
            plan: plan, stop: stop, pool: pool, progress: progress, client: client, served: served,
            selection: selection,
            searcher: CoordinatorSearcher(
                client, metric: served.metric, version: plan.version, stop: stop))
        return await run.outcome(at: now)
    }
}

/// The version that a coordinator answers with, and its manifest if a store is given.
struct ServedSubject: Sendable {
    let name: String
    let number: Int
    let document: ServedIndexDocument
    let metric: Metric
    let stored: (manifest: Manifest, catalog: Catalog)?

    init(
        _ client: CoordinatorClient, _ plan: AnalysisPlan, _ catalog: Catalog?
    ) async throws(TesseraError) {
        name = client.index
        document = try await client.detail()
        guard let version = document.version, let metric = document.metric.flatMap(Metric.init)
        else {
            throw TesseraError(
                .unavailable,
                "no version of index '\(name)' answers at \(client.url) yet; try again when /ready says so"
            )
        }
        if let wanted = plan.version, wanted != version {
            throw TesseraError(
                .notFound,
                "version \(wanted) of index '\(name)' does not answer at \(client.url); version \(version) does"
            )
        }
        number = version
        self.metric = metric
        try plan.check(
            index: name, vectors: document.vectors, lists: document.lists, largestK: document.maxK)
        guard let catalog else {
            stored = nil
            return
        }
        let manifest = try await catalog.manifest(version)
        let index = manifest.index
        guard index.vectors == document.vectors, index.dimension == document.dimension,
            index.metric == metric.rawValue, index.shards.count == document.shards
        else {
            throw TesseraError(
                .invalidArgument,
                "version \(version) of index '\(name)' is another in the store of --store than at \(client.url); "
                    + "give the store it serves")
        }
        stored = (manifest, catalog)
    }

    /// The queries: those of a file or log, those stored with the version, or vectors drawn from a
    /// file.
    func selection(_ plan: AnalysisPlan) async throws(TesseraError) -> QuerySelection {
        guard plan.mostQueries > 0 else { throw QuerySelection.none }
        if let path = plan.queriesPath {
            let queries = try QuerySetBuilder.read(
                path, most: plan.mostQueries, dimension: document.dimension, metric: metric,
                seed: plan.seed)
            return QuerySelection(queries: queries, ownIDs: nil, origin: QuerySelection.fromFile)
        }
        if let stored, stored.manifest.index.queries != nil {
            return try await QuerySelection(
                path: nil, of: stored.manifest.index, in: stored.catalog, most: plan.mostQueries,
                seed: plan.seed)
        }
        guard let path = plan.vectorsPath else {
            throw TesseraError(
                .invalidArgument,
                "there is nothing to ask \(plan.store) for: give queries with --queries, the store with --store for those "
                    + "the version keeps, or the vectors with --vectors to draw some")
        }
        return try drawn(from: path, plan)
    }

    private func drawn(
        from path: String, _ plan: AnalysisPlan
    ) throws(TesseraError) -> QuerySelection {
        let file = try VectorFile.open(path: path)
        guard file.dimension == document.dimension, file.rows > 0 else {
            throw TesseraError(
                .invalidArgument,
                "\(path) is \(file.rows) x \(file.dimension), the version has \(document.dimension) dimensions; "
                    + "give the file it was trained on")
        }
        let ids = try ExternalIDs.open(path: plan.idsPath, vectors: file)
        var random = SeededRandom(seed: QuerySetBuilder.drawSeed(plan.seed), stream: 0)
        let rows = random.sample(min(plan.mostQueries, file.rows), below: file.rows)
        var queries = try file.read(rows: rows)
        if metric.normalises { try normalise(&queries, firstRow: 0, file: path) }
        var own: [String] = []
        for row in rows { own.append(try ids.id(row)) }
        return QuerySelection(queries: queries, ownIDs: own, origin: QuerySelection.fromVectors)
    }
}
