// How far recorded queries lie from their cells, as it goes: a gauge to watch, not a verdict, which analyze-performance gives.
import Catalog
import ObjectStore
import ShardFile
import TesseraBase
import VectorCore
import VectorIndex

/// The last queries of an index beside those that its version keeps.
struct DriftGauge: Sendable {
    /// What is told of it.
    struct Reading: Sendable, Equatable {
        let version: Int
        /// Queries it is about.
        let queries: Int
        /// The share of them beyond what 95 and 99 of 100 kept ones do not exceed.
        let beyond95: Double
        let beyond99: Double
    }

    /// Queries that are remembered, and looked at between two writes.
    static let window = 1000
    static let mostAtOnce = 256

    private let version: Int
    private let router: Router
    private let reference: CellReference
    private let metric: Metric
    private var last: [Float] = []
    private var next = 0

    /// Reads the version's router and queries.
    ///
    /// - Throws: `notFound` where it keeps no queries, `corrupted` where objects do not fit it, and what the store throws.
    init(_ manifest: Manifest, from catalog: Catalog, pool: WorkPool) async throws(TesseraError) {
        let index = manifest.index
        guard let kept = index.queries else {
            throw TesseraError(.notFound, "version \(manifest.version) keeps no queries")
        }
        let routerKey = ObjectKind.router.key(index.router.digest)
        let setKey = ObjectKind.querySet.key(kept.digest)
        let router = try RouterFile.read(try await catalog.store.get(routerKey), name: routerKey)
        let set = try QuerySetFile.read(try await catalog.store.get(setKey), name: setKey)
        guard router.centroids.columns == index.dimension, set.queries.columns == index.dimension
        else { throw TesseraError(.corrupted, "\(routerKey) or \(setKey) does not fit") }
        version = manifest.version
        metric = Metric(rawValue: index.metric) ?? .l2
        self.router = router
        reference = CellReference(
            distances: try await pool.run { router.cellDistances(set.queries) })
    }

    /// Takes queries in as they were sent; those of another dimension are none of this version's.
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

    /// Nil before the first query.
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
