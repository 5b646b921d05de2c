// Finds exact neighbours within a time budget: by streaming over the original vectors, with a cache
// by digest; from the query set stored with the version; or, for more neighbours, from the refine
// tier. If time is short it compares fewer queries, never fewer vectors: fewer queries widen the
// interval, while fewer vectors would bias the result.
package import Catalog
import Foundation
import Indexer
import ObjectStore
import Recall
package import Reporting
import ShardFile
import Synchronization
package import TesseraBase
import VectorCore
import VectorIndex

/// Computes exact neighbours for a version.
package struct TruthFinder: Sendable {
    /// Rows that a thread takes at a time.
    private static let chunk = 4096
    /// Neighbours collected beyond the k-th, for ties.
    private static let ties = 28
    /// Fewest queries that are worth the scan.
    private static let fewest = 20

    /// The version, if its objects can be read.
    private let version: (index: IndexDescription, catalog: Catalog)?
    private let vectorCount: Int
    private let dimension: Int
    private let metric: Metric
    private let selection: QuerySelection
    private let ks: [Int]
    private let pool: WorkPool
    private let stop: StopSign
    private let progress: ProgressHandler

    /// Finds exact neighbours for a version in a store.
    ///
    /// - Parameter ks: the depths at which recall is counted, ascending.
    package init(
        _ index: IndexDescription, in catalog: Catalog, _ selection: QuerySelection, ks: [Int],
        pool: WorkPool, stop: StopSign, progress: @escaping ProgressHandler
    ) {
        self.init(
            vectors: index.vectors, dimension: index.dimension,
            metric: Metric(rawValue: index.metric) ?? .l2, version: (index, catalog), selection,
            ks: ks, pool: pool, stop: stop, progress: progress)
    }

    /// Finds exact neighbours for a version of which only these facts are known, unless `version`
    /// is given.
    init(
        vectors: Int, dimension: Int, metric: Metric,
        version: (index: IndexDescription, catalog: Catalog)?, _ selection: QuerySelection,
        ks: [Int], pool: WorkPool, stop: StopSign, progress: @escaping ProgressHandler
    ) {
        self.version = version
        vectorCount = vectors
        self.dimension = dimension
        self.metric = metric
        self.selection = selection
        self.ks = ks.filter { $0 <= vectors - selection.extra }
        self.pool = pool
        self.stop = stop
        self.progress = progress
    }

    private var deepest: Int { ks.max() ?? 1 }

    /// The neighbours found, and how.
    package struct Outcome: Sendable {
        package var truth: GroundTruth
        package var cached = false
        package var notes: [String] = []

        /// Whether time was too short for all queries.
        package func isSampled(of queries: Int) -> Bool { truth.queries < queries }
    }

    /// Neighbours without the original vectors: from the query set stored with the version, and
    /// beyond its depth from the refine tier.
    package func stored(budgetSeconds: Double) async throws(TesseraError) -> Outcome {
        var outcome = Outcome(
            truth: GroundTruth(queries: selection.queries.rows, levels: [:]))
        if let stored = selection.stored {
            for k in ks where k <= stored.k {
                outcome.truth.levels[k] = GroundTruth.Level(
                    source: .stored,
                    neighbours: stored.neighbours.map { k == stored.k ? $0 : Array($0.prefix(k)) })
            }
        }
        let missing = ks.filter { outcome.truth.levels[$0] == nil }
        guard !missing.isEmpty else { return outcome }
        let count = affordable(budgetSeconds, rows: vectorCount)
        guard let version, version.index.refine != "none", count > 0 else {
            outcome.notes.append(
                "no exact neighbours for recall@\(missing.map(String.init).joined(separator: ", @")): "
                    + "give the vectors with --vectors, or more time with --budget-seconds")
            return outcome
        }
        try stop.check()
        let deepest = missing.max() ?? 1
        let set = try await StoredTruth(
            version.index, in: version.catalog, pool: pool, progress: progress
        ).about(selection.queries.gathering(Array(0..<count)), k: deepest + selection.extra)
        for k in missing {
            outcome.truth.levels[k] = GroundTruth.Level(
                source: .refine,
                neighbours: set.neighbours.enumerated().map { query, ids in
                    selection.answers(ids, of: query, k: k)
                })
        }
        return outcome.limited(to: count, of: selection.queries.rows)
    }

    /// Neighbours by comparison with the vectors of a file, which must be those the version was
    /// trained on.
    ///
    /// - Parameters:
    ///   - folder: caches the result; nil does not.
    /// - Throws: `invalidArgument` if file and version do not fit, and `resourceExhausted` if the
    ///   time is too short even for a few queries.
    package func vectors(
        path: String, idsPath: String?, folder: String?, budgetSeconds: Double
    ) async throws(TesseraError) -> Outcome {
        let file = try VectorFile.open(path: path)
        guard file.dimension == dimension, file.rows == vectorCount else {
            throw TesseraError(
                .invalidArgument,
                "\(path) is \(file.rows) x \(file.dimension), the version holds \(vectorCount) x "
                    + "\(dimension) vectors; give the file it was trained on")
        }
        let ids = try ExternalIDs.open(path: idsPath, vectors: file)
        let cache = try folder.map { folder throws(TesseraError) in
            TruthCache(folder: folder, key: try key(file, idsPath))
        }
        if let kept = cache?.read(queries: selection.queries.rows, ks: ks) {
            return Outcome(truth: kept, cached: true)
        }
        let count = affordable(budgetSeconds, rows: file.rows)
        guard count > 0 else {
            throw TesseraError(
                .resourceExhausted,
                "comparing even \(Self.fewest) queries with the \(file.rows) vectors of \(path) takes more than "
                    + "\(budgetSeconds) seconds; give more with --budget-seconds, or leave out --vectors"
            )
        }
        let own = try ownRows(ids, count)
        let found = try await compare(file, own, count)
        var truth = GroundTruth(queries: count, levels: [:])
        for k in ks {
            var names: [[String]] = []
            for rows in found.neighbours(k) {
                var near: [String] = []
                for row in rows { near.append(try ids.id(Int(row))) }
                names.append(near)
            }
            truth.levels[k] = GroundTruth.Level(source: .vectors, neighbours: names)
        }
        if count == selection.queries.rows { cache?.write(truth) }
        return Outcome(truth: truth).limited(to: count, of: selection.queries.rows)
    }

    /// Number of queries that fit the budget, from a short trial on this machine; 0 if that is too
    /// few.
    private func affordable(_ budgetSeconds: Double, rows: Int) -> Int {
        let trial = min(selection.queries.rows, 256)
        let vectors = selection.queries.gathering(Array(0..<trial))
        // The best of several trials, because one this short is easily disturbed.
        let best = (0..<5).map { _ in
            let watch = Stopwatch()
            var exact = ExactNeighbours(
                queries: vectors, ownIDs: nil, metric: metric, depth: deepest)
            exact.add(vectors) { UInt64($0) }
            return watch.elapsed.seconds
        }.min()
        let pair = (best ?? 0) / Double(trial * trial)
        // Threads of a busy machine scale below 1, and rows have to be read too.
        let lanes = max(1, 0.7 * Double(pool.width))
        let most = budgetSeconds * lanes / (pair * Double(rows))
        guard most < Double(selection.queries.rows) else { return selection.queries.rows }
        let count = Int(most)
        return count >= min(Self.fewest, selection.queries.rows) ? count : 0
    }

    /// Row numbers of the queries that are stored vectors.
    private func ownRows(_ ids: ExternalIDs, _ count: Int) throws(TesseraError) -> [UInt64]? {
        guard let own = selection.ownIDs?.prefix(count) else { return nil }
        var rows: [String: UInt64] = [:]
        if case .rowNumbers = ids {
            for id in own { rows[id] = UInt64(id) }
        } else {
            let wanted = Set(own)
            for row in 0..<ids.count {
                let id = try ids.id(row)
                if wanted.contains(id) { rows[id] = UInt64(row) }
            }
        }
        let found = own.compactMap { rows[$0] }
        guard found.count == own.count else {
            throw TesseraError(
                .invalidArgument,
                "the version's queries have ids that are not those of the vectors given; "
                    + "give the id file it was trained with, --ids")
        }
        return found
    }

    private func compare(
        _ file: VectorFile, _ own: [UInt64]?, _ count: Int
    ) async throws(TesseraError) -> ExactNeighbours {
        let unseen = ExactNeighbours(
            queries: selection.queries.gathering(Array(0..<count)), ownIDs: own, metric: metric,
            depth: deepest + Self.ties)
        let counter = ProgressCounter(
            phase: "comparing exactly", total: file.rows, unit: "vectors", handler: progress)
        let next = Atomic(0)
        let lanes = try await pool.map(Array(0..<pool.width)) { _ throws(TesseraError) in
            try await pool.run { () throws(TesseraError) in
                var exact = unseen
                while true {
                    try stop.check()
                    let first = next.add(Self.chunk, ordering: .relaxed).oldValue
                    guard first < file.rows else { return exact }
                    let rows = first..<min(first + Self.chunk, file.rows)
                    var vectors = try file.read(rows: rows)
                    if metric.normalises {
                        try normalise(&vectors, firstRow: first, file: file.path)
                    }
                    exact.add(vectors) { UInt64(first + $0) }
                    counter.advance(by: rows.count)
                }
            }
        }
        var all = unseen
        for lane in lanes { all.merge(lane) }
        return all
    }

    /// Digest of everything that the neighbours depend on.
    private func key(_ file: VectorFile, _ idsPath: String?) throws(TesseraError) -> ContentDigest {
        var hasher = ContentHasher()
        hasher.update(Array("truth 1 \(metric.rawValue) \(ks) \(selection.queries.rows)\n".utf8))
        for first in stride(from: 0, to: file.rows, by: Self.chunk) {
            try stop.check()
            hasher.update(try file.rawRows(first..<min(first + Self.chunk, file.rows)))
        }
        if let idsPath {
            let ids = try IDFile.open(path: idsPath)
            for row in 0..<ids.count { hasher.update(try ids.bytes(row) + [10]) }
        }
        var bytes = ByteWriter()
        bytes.floats(selection.queries.elements)
        hasher.update(bytes.bytes)
        for id in selection.ownIDs ?? [] { hasher.update(Array(id.utf8) + [10]) }
        return hasher.finish()
    }
}

extension TruthFinder.Outcome {
    fileprivate func limited(to count: Int, of all: Int) -> Self {
        guard count < all else { return self }
        var outcome = self
        outcome.truth.queries = count
        outcome.notes.append(
            "the time allowed for \(count) of \(all) queries to be compared exactly, so the intervals are wider"
        )
        return outcome
    }
}

extension Report {
    /// Records what recall was compared with.
    mutating func take(_ truth: TruthFinder.Outcome, of selection: QuerySelection) {
        notes += truth.notes
        guard !truth.truth.levels.isEmpty else { return }
        let sources = Set(truth.truth.levels.values.map(\.source.words)).sorted()
        self.truth = TruthSummary(
            from: sources.joined(separator: "; "), queries: truth.truth.queries,
            sampled: truth.isSampled(of: selection.queries.rows), cached: truth.cached)
    }
}
