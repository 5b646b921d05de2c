// Measures how far live queries and stored queries lie from the centroids that a search compares
// them with.
import Catalog
import ObjectStore
import Recall
import Reporting
import Search
import ShardFile
import TesseraBase
import VectorCore
import VectorIndex

/// Measures distances in one version.
struct DriftStage: Sendable {
    private let subject: any MeasuredVersion
    private let manifest: Manifest
    private let catalog: Catalog

    init(_ subject: any MeasuredVersion, _ manifest: Manifest, in catalog: Catalog) {
        self.subject = subject
        self.manifest = manifest
        self.catalog = catalog
    }

    private var index: IndexDescription { manifest.index }

    /// Compares live queries with those stored with the version; nil if it stores none. Repeated
    /// queries count once.
    ///
    /// - Parameter live: `[count][dimension]`, of unit length for cosine.
    /// - Throws: `corrupted` if objects are not what the manifest describes, and errors of the
    ///   store.
    func judge(_ live: Matrix) async throws(TesseraError) -> Drift? {
        let tuner = IndexTuner(
            catalog, pool: subject.pool, scratchFolder: "", progress: { _ in })
        guard let kept = index.queries, let set = try await tuner.queries(of: index) else {
            return nil
        }
        let queries = live.gathering(Self.different(live))
        // Queries that took part in training lie nearer to their lists than new ones do.
        let areMembers = kept.source == .sample && kept.heldOut != true
        if index.metric == Metric.innerProduct.rawValue {
            let router = try await router()
            let distances = try await subject.pool.run {
                (live: router.cellDistances(queries), kept: router.cellDistances(set.queries))
            }
            return Drift(
                live: distances.live, reference: CellReference(distances: distances.kept),
                source: kept.source.rawValue, basis: .cell)
        }
        let searcher = try await ColdSearcher(manifest, from: catalog, pool: subject.pool)
        return Drift(
            live: try await listDistances(queries, searcher, areMembers: false),
            reference: CellReference(
                distances: try await listDistances(set.queries, searcher, areMembers: areMembers)),
            source: kept.source.rawValue, basis: .list)
    }

    private func router() async throws(TesseraError) -> Router {
        try await VersionObjects(index, from: catalog).router()
    }

    /// Squared distances to the centroid of the nearest list.
    ///
    /// A member pulls the centroid towards itself. The mean of the other n - 1 vectors is n / (n -
    /// 1) times as far away, which is the distance of a new query of the same kind.
    private func listDistances(
        _ queries: Matrix, _ searcher: ColdSearcher, areMembers: Bool
    ) async throws(TesseraError) -> [Float] {
        let shards = index.probeShards(probes: index.search.nprobe)
        return try await subject.pool.map(Array(0..<queries.rows)) { row throws(TesseraError) in
            try subject.stop.check()
            let nearest = try await searcher.nearestList(
                to: Array(queries.row(row)), probeShards: shards)
            guard areMembers else { return nearest.distance }
            let count = Float(max(2, nearest.vectors))
            let pull = count / (count - 1)
            return nearest.distance * pull * pull
        }
    }

    /// Number of the first row of each group of equal rows.
    private static func different(_ queries: Matrix) -> [Int] {
        var seen: Set<ArraySlice<Float>> = []
        return (0..<queries.rows).filter { seen.insert(queries.row($0)).inserted }
    }
}
