// tune: measures which recall a version or draft reaches at which cost.
import ArgumentParser
import Catalog
import Foundation
import Indexer
import Recall
import Reporting
import ShardFile
import Terminal
import TesseraBase
import VectorCore

struct TuneCommand: ShardctlCommand {
    static let configuration = CommandConfiguration(
        commandName: "tune",
        abstract: "Measure recall against exact search, and keep the operating points.",
        discussion: """
            Searches with more and more lists and candidates, compares the answers with exact neighbours, and keeps \
            the settings that nothing cheaper matches. What was published is never changed: the points come as a new \
            version with the same content. `query --recall` picks among them.

            Queries are those that train kept, or those of --queries, or vectors drawn from the index and each left \
            out of its own answer. A drawn query took part in training, so that what is measured is slightly better \
            than the recall of new queries; the README says by how much.

            EXAMPLE
              shardctl tune --store file:///data/idx --index photos
              shardctl tune --store file:///data/idx --index photos --queries real.fbin
            """)

    @OptionGroup var target: IndexOptions
    @Option(help: "A draft to measure; the latest version unless given.")
    var draft: String?
    @Option(help: "Real queries, in any format train reads; what train kept unless given.")
    var queries: String?
    @Option(
        parsing: .unconditional,
        help: "Queries to draw anew, from the file or from the index; 500 unless train kept some.")
    var tuneQueries: Int?
    @Option(parsing: .unconditional, help: "Seed of the draw; the index's unless given.")
    var seed: UInt64?
    @Flag(help: "Only show the points; keep nothing.")
    var dryRun = false
    @Option(
        help:
            "Folder a store elsewhere is copied to, as large as the index; the system's unless given."
    )
    var scratch: String?
    @OptionGroup var threads: ThreadOptions
    @OptionGroup var output: OutputOptions

    func perform() async throws(TesseraError) {
        if let tuneQueries, !(1...QuerySetBuilder.largestCount).contains(tuneQueries) {
            throw TesseraError(
                .invalidArgument,
                "--tune-queries \(tuneQueries) is out of range; give 1 to \(QuerySetBuilder.largestCount)"
            )
        }
        let catalog = try target.catalog()
        let bar = output.progress
        defer { bar.finish() }
        let subject = try await TuningSubject(catalog, draft: draft)
        let pool = try threads.pool()
        let tuner = IndexTuner(
            catalog, pool: pool,
            scratchFolder: scratch ?? FileManager.default.temporaryDirectory.path,
            progress: bar.handler)
        var tuned = subject.index
        let set = try await querySet(&tuned, tuner, catalog, pool, bar.handler)
        let found = try await tuner.measure(
            tuned, by: set,
            IndexTuner.Wanted(points: true, certificateK: dryRun ? nil : set.k))
        let measured = found.points
        tuned.operatingPoints = measured.map(\.point)
        let outcome =
            dryRun
            ? .shown
            : try await subject.keep(
                tuned, found.certificate, in: catalog, progress: bar.handler)
        bar.finish()
        let answer = TuneAnswer(tuned, set, measured, outcome)
        try output.answer(answer, answer.lines(outcome, tuned))
    }

    /// The queries to measure with. Stores a new query set in `index`.
    private func querySet(
        _ index: inout IndexDescription, _ tuner: IndexTuner, _ catalog: Catalog,
        _ pool: WorkPool, _ progress: @escaping ProgressHandler
    ) async throws(TesseraError) -> QuerySet {
        if queries == nil, tuneQueries == nil, seed == nil,
            let kept = try await tuner.queries(of: index)
        {
            return kept
        }
        let seed = seed ?? index.seed
        let most = tuneQueries ?? QuerySetBuilder.defaultCount
        let set: QuerySet
        let source: QuerySetReference.Source
        if let queries {
            source = .file
            let metric = Metric(rawValue: index.metric) ?? .l2
            let matrix = try QuerySetBuilder.read(
                queries, most: most, dimension: index.dimension, metric: metric, seed: seed)
            set = try await StoredTruth(index, in: catalog, pool: pool, progress: progress)
                .about(matrix, k: QuerySetBuilder.k)
        } else {
            source = .sample
            set = try await StoredTruth(index, in: catalog, pool: pool, progress: progress)
                .sample(
                    most, k: QuerySetBuilder.k, seed: QuerySetBuilder.drawSeed(seed))
        }
        // A dry run leaves the store as it was.
        guard !dryRun else { return set }
        index.queries = try await tuner.store(set, source: source, truth: .refine, seed: seed)
        return set
    }
}

/// A version or a draft, and where its operating points are kept.
private struct TuningSubject {
    enum Outcome {
        case shown
        case same(String)
        case draft(String)
        case version(Int)
    }

    private enum Origin {
        case version(Int)
        case draft(Draft)
    }

    let index: IndexDescription
    private let origin: Origin

    init(_ catalog: Catalog, draft: String?) async throws(TesseraError) {
        if let draft {
            let found = try await catalog.draft(draft)
            (index, origin) = (found.index, .draft(found))
        } else {
            let latest = try await catalog.latest()
            (index, origin) = (latest.index, .version(latest.version))
        }
    }

    /// Replaces a draft, or publishes a successor of a version with the same content.
    func keep(
        _ tuned: IndexDescription, _ certificate: RecallCertificate?, in catalog: Catalog,
        progress: @escaping ProgressHandler
    ) async throws(TesseraError) -> Outcome {
        switch origin {
        case .draft(let draft):
            guard tuned != index else { return .same("draft \(draft.id)") }
            return .draft(try await catalog.replaceDraft(draft, with: tuned).id)
        case .version(let version):
            guard tuned != index else { return .same("version \(version)") }
            let draft = try await catalog.saveDraft(tuned, tuneOf: version)
            do throws(TesseraError) {
                let publication = try await catalog.publish(
                    draftID: draft.id, progress: progress
                ) { (_: Draft) async throws(TesseraError) in
                    MeasuredDraft(certificate: certificate)
                }
                return .version(publication.manifest.version)
            } catch {
                if error.code == .conflict { try? await catalog.discardDraft(draft.id) }
                throw error
            }
        }
    }
}

/// The answer of `tune`.
private struct TuneAnswer: Encodable {
    struct Point: Encodable {
        let nprobe: Int
        let refineDepth: Int
        let recall: Double
        let standardError: Double
        let codesScanned: Double
        let rowsRefined: Double
        /// Median time of one query on this machine.
        let p50Microseconds: Double
    }

    let version: Int?
    let draft: String?
    let queries: Int
    let k: Int
    /// Whether the queries are vectors of the index.
    let sampled: Bool
    let points: [Point]

    init(
        _ index: IndexDescription, _ set: QuerySet, _ measured: [MeasuredPoint],
        _ outcome: TuningSubject.Outcome
    ) {
        if case .version(let number) = outcome { version = number } else { version = nil }
        if case .draft(let id) = outcome { draft = id } else { draft = nil }
        queries = set.queries.rows
        k = set.k
        sampled = set.ownIDs != nil
        points = measured.map { measured in
            let point = measured.point
            return Point(
                nprobe: point.nprobe, refineDepth: point.refineDepth, recall: point.recall,
                standardError: point.standardError, codesScanned: point.codesScanned,
                rowsRefined: point.rowsRefined, p50Microseconds: measured.median.microseconds)
        }
    }

    func lines(_ outcome: TuningSubject.Outcome, _ index: IndexDescription) -> [String] {
        let columns = ["nprobe", "refine", "recall@\(k)", "+-", "codes", "rows", "p50 us here"]
        let rows = points.map { point in
            [
                "\(point.nprobe)", "\(point.refineDepth)", point.recall.fixed(4),
                point.standardError.fixed(4), Int(point.codesScanned).grouped,
                Int(point.rowsRefined).grouped, point.p50Microseconds.fixed(0),
            ]
        }
        let origin =
            sampled
            ? "vectors of the index, each left out of its own answer; new queries have a slightly lower recall"
            : "queries of a file"
        var lines = Wording.table([columns] + rows, leading: 0)
        lines.append("recall by \(queries.grouped) \(origin); +- is one standard error")
        if index.queries?.truth == .refine, index.refine == "sq8" {
            lines.append(
                "exact neighbours are those of the refine tier, which rounds; train keeps truer ones"
            )
        }
        switch outcome {
        case .shown: lines.append("nothing was kept; leave out --dry-run to do so")
        case .same(let what): lines.append("\(what) has these points already")
        case .draft(let id): lines.append("draft \(id) has these points; next: shardctl publish")
        case .version(let number): lines.append("version \(number) has these points")
        }
        return lines
    }
}
