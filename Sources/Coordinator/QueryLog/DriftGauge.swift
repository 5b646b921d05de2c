// Distances from recorded queries to their nearest shard centroid, compared with the queries that
// the version keeps. This is a gauge to watch while serving; analyze-performance tests for drift.
import Catalog
import ObjectStore
import Search
import ShardFile
import TesseraBase
import VectorCore
import VectorIndex

/// Compares the last queries of an index with the reference sample of its version.
struct DriftGauge: Sendable {
    /// A reading of the gauge.
    struct Reading: Sendable, Equatable {
        let version: Int
        /// Number of recorded queries compared.
        let queries: Int
        /// Share of them farther than the 95th and 99th percentile of the reference sample.
        let beyond95: Double
        let beyond99: Double
    }

    /// Queries that are remembered.
    static let window = 1000
    /// Queries that one call takes in.
    static let mostAtOnce = 256

    private let version: Int
    private let router: Router
    private let reference: CellReference
    private let metric: Metric
    private var last: [Float] = []
    private var next = 0

    /// Reads the version's router and queries.
    ///
    /// - Throws: `notFound` if the version keeps no queries, `corrupted` if its objects do not fit
    ///   it, and what the store throws.
    init(_ manifest: Manifest, from catalog: Catalog, pool: WorkPool) async throws(TesseraError) {
        let index = manifest.index
        guard let kept = index.queries else {
            throw TesseraError(.notFound, "version \(manifest.version) keeps no queries")
        }
        let setKey = ObjectKind.querySet.key(kept.digest)
        let objects = try VersionObjects(index, from: catalog)
        let router = try await objects.router()
        let set = try QuerySetFile.read(try await catalog.store.get(setKey), name: setKey)
        guard set.queries.columns == index.dimension else {
            throw TesseraError(.corrupted, "\(setKey) does not fit the manifest")
        }
        version = manifest.version
        metric = objects.metric
        self.router = router
        reference = CellReference(
            distances: try await pool.run { router.cellDistances(set.queries) })
    }

    /// Takes in queries as clients sent them; those of another dimension belong to another version.
    mutating func add(_ queries: [[Float]]) {
        let width = router.centroids.columns
        let fitting = queries.filter { $0.count == width }.prefix(Self.mostAtOnce)
        var matrix = Matrix(rows: fitting.count, columns: width, elements: fitting.flatMap { $0 })
        if metric.normalises {
            guard (try? normalise(&matrix, firstRow: 0, file: "queries")) != nil else { return }
        }
        for distance in router.cellDistances(matrix) {
            if last.count < Self.window {
                last.append(distance)
            } else {
                last[next] = distance
            }
            next = (next + 1) % Self.window
        }
    }

    /// The current reading; nil before the first query.
    var reading: Reading? {
        guard !last.isEmpty else { return nil }
        func share(beyond distance: Float) -> Double {
            let share = Double(last.count { $0 > distance }) / Double(last.count)
            return (share * 1e4).rounded() / 1e4
        }
        return Reading(
            version: version, queries: last.count,
            beyond95: share(beyond: reference.percentile95),
            beyond99: share(beyond: reference.percentile99))
    }
}
