// The queries that recall is measured by: chosen before vectors are streamed, and stored with their
// exact neighbours.
//
// A sampled query is a vector of the index that is left out of its own answer, so users need not
// hold vectors back. Lists are trained without it: centroids would otherwise lie nearer to it than
// to unseen queries.
import Catalog
import ShardFile
package import TesseraBase
package import VectorCore
import VectorIndex

/// Collects the queries of a query set.
package struct QuerySetBuilder: Sendable {
    /// Default number of queries: a recall near 0.95 is then known to about half a percent.
    package static let defaultCount = 500
    package static let largestCount = 10_000
    /// Vectors required per query for queries to be held out of training.
    private static let leastShare = 10
    /// Number of neighbours that recall counts.
    package static let k = 10

    private let queries: Matrix
    /// The sampled queries' row numbers in the source.
    private let ownRows: [Int]?
    private let ids: [String]?
    /// Rows that lists are trained without: those drawn, unless too little would be left to train
    /// on.
    let heldOut: Set<UInt64>
    private let metric: Metric
    private let k: Int
    private let seed: UInt64

    /// Draws the queries of a build; nil where none are wanted, or nothing would be left to find.
    static func drawn(
        _ settings: IndexSettings, from input: TrainingInput, pool: WorkPool
    ) async throws(TesseraError) -> QuerySetBuilder? {
        let (metric, seed) = (settings.metric, settings.seed)
        if let path = settings.queriesPath {
            let queries = try await pool.run { () throws(TesseraError) in
                try read(
                    path, most: settings.queryCount, dimension: input.dimension, metric: metric,
                    seed: seed)
            }
            return QuerySetBuilder(
                queries: queries, ownRows: nil, ids: nil, heldOut: [], metric: metric,
                k: min(Self.k, input.count), seed: seed)
        }
        guard settings.queryCount > 0, input.count > 1 else { return nil }
        let rows = input.sampledRows(settings.queryCount, seed: drawSeed(seed))
        let queries = try await input.vectors(at: rows)
        let ids = try await pool.run { () throws(TesseraError) in
            var ids: [String] = []
            for row in rows { ids.append(try input.ids.id(row)) }
            return ids
        }
        return QuerySetBuilder(
            queries: queries, ownRows: rows, ids: ids,
            heldOut: rows.count * leastShare <= input.count ? Set(rows.map(UInt64.init)) : [],
            metric: metric, k: min(Self.k, input.count - 1), seed: seed)
    }

    /// Reads queries from a file or a folder of recorded ones: at most `most`, drawn by `seed` if
    /// there are more.
    package static func read(
        _ path: String, most: Int, dimension: Int, metric: Metric, seed: UInt64
    ) throws(TesseraError) -> Matrix {
        let files = try QueryFiles(path, dimension: dimension)
        guard most > 0, files.rows > 0 else {
            throw TesseraError(.invalidArgument, "no queries are left of \(path) to measure by")
        }
        var random = SeededRandom(seed: drawSeed(seed), stream: 0)
        let rows = random.sample(min(most, files.rows), below: files.rows)
        var queries = try files.read(rows: rows, dimension: dimension)
        if metric.normalises { try normalise(&queries, firstRow: 0, file: path) }
        return queries
    }

    /// Seed of this draw, which differs from that of the partition's sample.
    package static func drawSeed(_ seed: UInt64) -> UInt64 {
        SeededRandom.derive(seed, stream: 0x7175_6572_6965_73)
    }

    /// The exact search that compares queries with vectors; its ids are row numbers of the source.
    var truth: ExactNeighbours {
        ExactNeighbours(
            queries: queries, ownIDs: ownRows.map { $0.map(UInt64.init) }, metric: metric)
    }

    /// Stores the queries with their neighbours.
    func store(
        _ truth: ExactNeighbours, _ external: ExternalIDs, in catalog: Catalog, held: HeldObjects
    ) async throws(TesseraError) -> QuerySetReference {
        var neighbours: [[String]] = []
        for rows in truth.neighbours(k) {
            var names: [String] = []
            for row in rows { names.append(try external.id(Int(row))) }
            neighbours.append(names)
        }
        let set = QuerySet(queries: queries, k: k, ownIDs: ids, neighbours: neighbours)
        let image = try QuerySetFile.write(set)
        return QuerySetReference(
            digest: try await catalog.putObject(.querySet, image.bytes, held: held),
            bytes: UInt64(image.bytes.count), count: queries.rows, k: k,
            source: ids == nil ? .file : .sample, truth: .vectors, seed: seed,
            heldOut: ids == nil ? nil : !heldOut.isEmpty)
    }
}
