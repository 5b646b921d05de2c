// Compares two versions in stores, for `analyze-performance compare` and `shardctl diff`.
package import Catalog
package import Reporting
package import TesseraBase
import VectorCore

/// A version, its place, and how to search it.
package struct ComparisonSubject: Sendable {
    package let store: String
    package let catalog: Catalog
    /// The version; nil takes the latest.
    package let version: Int?
    package let nprobe: Int?
    package let refineDepth: Int?

    package init(
        store: String, catalog: Catalog, version: Int?, nprobe: Int? = nil,
        refineDepth: Int? = nil
    ) {
        self.store = store
        self.catalog = catalog
        self.version = version
        self.nprobe = nprobe
        self.refineDepth = refineDepth
    }

    fileprivate func manifest() async throws(TesseraError) -> Manifest {
        guard let version else { return try await catalog.latest() }
        return try await catalog.manifest(version)
    }
}

extension ComparisonReport {
    /// Compares two stored versions with the queries of a file, or with those stored with A, and
    /// A's exact neighbours.
    ///
    /// - Throws: `invalidArgument` for queries of another dimension or versions that cannot be
    ///   compared, `notFound` for a missing version, and errors of searching.
    package static func measure(
        _ a: ComparisonSubject, _ b: ComparisonSubject, k: Int, queriesPath: String?,
        mostQueries: Int, seed: UInt64, pool: WorkPool, stop: StopSign,
        progress: @escaping ProgressHandler
    ) async throws(TesseraError) -> ComparisonReport {
        let manifests = (try await a.manifest(), try await b.manifest())
        let selection = try await QuerySelection(
            path: queriesPath, of: manifests.0.index, in: a.catalog, most: mostQueries, seed: seed)
        let left = try await ComparisonSide(
            store: a.store, manifests.0, in: a.catalog, k: k, nprobe: a.nprobe,
            refineDepth: a.refineDepth, pool: pool, progress: progress)
        let right = try await ComparisonSide(
            store: b.store, manifests.1, in: b.catalog, k: k, nprobe: b.nprobe,
            refineDepth: b.refineDepth, pool: pool, progress: progress)
        let truth = try await TruthFinder(
            manifests.0.index, in: a.catalog, selection, ks: [k], pool: pool, stop: stop,
            progress: progress
        ).stored(budgetSeconds: 60)
        return try await Comparison(
            left, right, selection, truth: truth.truth.levels.isEmpty ? nil : truth.truth,
            pool: pool, stop: stop, seed: seed
        ).run()
    }
}
