// publish and rollback: the two commands that make a new version.
import ArgumentParser
import Catalog
import Foundation
import Indexer
import Recall
import ShardFile
import Terminal
import TesseraBase

struct PublishCommand: ShardctlCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish",
        abstract: "Make a draft the next version, after a check of every object.",
        discussion: """
            Reads back the objects that the draft brings. For those that the latest version holds already, it checks that \
            the store still lists them as that version left them; --read-all reads these as well.

            Measures recall by the queries that train kept, so that `query --recall` has operating points to pick \
            from; see tune. What a search without options finds goes into the manifest as a certificate. With \
            --min-recall the lower end of its 95% interval must reach the bound, or nothing is published and the exit \
            code is 79; the draft stays as it was.

            EXAMPLE
              shardctl publish --store file:///data/idx --index photos
              shardctl publish --store file:///data/idx --index photos \\
                --min-recall 0.95 --at recall@10
            """)

    @OptionGroup var target: IndexOptions
    @Option(help: "The draft; the newest unless given.")
    var draft: String?
    @Flag(inversion: .prefixedNo, help: "Whether recall is measured first.")
    var tune = true
    @Option(parsing: .unconditional, help: "Publish only if recall certainly reaches this.")
    var minRecall: Double?
    @Option(help: "The recall that --min-recall bounds: recall@1 to recall@10.")
    var at: String?
    @Option(help: "Publish although --min-recall is not reached; the manifest keeps the reason.")
    var overrideRecall: String?
    @Flag(help: "Read back also the objects that the latest version holds.")
    var readAll = false
    @Option(
        help: "Folder a store elsewhere is copied to for measuring; the system's unless given.")
    var scratch: String?
    @OptionGroup var threads: ThreadOptions
    @OptionGroup var output: OutputOptions

    func perform() async throws(TesseraError) {
        let gate = try gate()
        let bar = output.progress
        defer { bar.finish() }
        let catalog = try target.catalog()
        let tuner = IndexTuner(
            catalog, pool: try threads.pool(),
            scratchFolder: scratch ?? FileManager.default.temporaryDirectory.path,
            progress: bar.handler)
        let publication = try await catalog.publish(
            draftID: draft, readBack: readAll ? .all : .brought, progress: bar.handler
        ) { [tune] draft async throws(TesseraError) in
            guard tune || gate != nil, let set = try await tuner.queries(of: draft.index) else {
                return MeasuredDraft(gate: try gate?.judged(nil, index: draft.index.name))
            }
            let outcome = try await tuner.measure(
                draft.index, by: set,
                IndexTuner.Wanted(
                    points: tune && draft.index.operatingPoints == nil,
                    certificateK: gate?.k ?? set.k))
            var measured = MeasuredDraft(outcome)
            measured.gate = try gate?.judged(outcome.certificate, index: draft.index.name)
            return measured
        }
        bar.finish()
        let manifest = publication.manifest
        try output.answer(
            manifest,
            publication.alreadyPublished
                ? ["draft \(manifest.draft ?? "") is version \(manifest.version) already"]
                : [
                    "published version \(manifest.version) (\(manifest.index.vectors.counted("vector")))"
                ]
                    + Self.certificateLine(manifest) + Self.recallLine(manifest.index))
    }

    /// The bound asked for; nil without one.
    private func gate() throws(TesseraError) -> RecallGate? {
        guard let minRecall else {
            guard at == nil, overrideRecall == nil else {
                throw TesseraError(
                    .invalidArgument,
                    "\(at == nil ? "--override-recall" : "--at") needs --min-recall")
            }
            return nil
        }
        let words = (at ?? "recall@\(QuerySetBuilder.k)").split(separator: "@")
        guard words.count == 2, words[0] == "recall", let k = Int(words[1]), k > 0 else {
            throw TesseraError(
                .invalidArgument, "--at \(at ?? "") is no measure; give one like recall@10")
        }
        return try RecallGate(minimum: minRecall, k: k, overrideReason: overrideRecall)
    }

    static func certificateLine(_ manifest: Manifest) -> [String] {
        guard let certificate = manifest.certificate else {
            return manifest.recallGate.map { gate in
                ["recall was not measured, published all the same: \(gate.overrideReason ?? "")"]
            } ?? []
        }
        let bound =
            manifest.recallGate.map { gate in
                gate.overrideReason.map { "; below \(gate.minimum), published all the same: \($0)" }
                    ?? "; at least \(gate.minimum) was asked for"
            } ?? ""
        return [
            "recall@\(certificate.k) \(certificate.recall.fixed(4)) (\(certificate.low.fixed(4)) to "
                + "\(certificate.high.fixed(4))) without options\(bound)"
        ]
    }

    private static func recallLine(_ index: IndexDescription) -> [String] {
        guard let points = index.operatingPoints, let first = points.first, let last = points.last,
            let queries = index.queries
        else { return [] }
        return [
            "recall@\(queries.k) \(first.recall) to \(last.recall) at \(points.count.counted("operating point")), "
                + "measured by \(queries.count.counted("query", "queries")); query --recall picks one"
        ]
    }
}

struct RollbackCommand: ShardctlCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback",
        abstract: "Bring an older version back, as a new one.",
        discussion: """
            History is never rewritten: the new version has the old content. Its objects must still be in the store as \
            that version left them; --read-all reads them as well.

            EXAMPLE
              shardctl rollback --store file:///data/idx --index photos --to 3
            """)

    @OptionGroup var target: IndexOptions
    @Option(parsing: .unconditional, help: "The version to bring back.")
    var to: Int
    @Flag(help: "Read back every object of the version.")
    var readAll = false
    @OptionGroup var output: OutputOptions

    func perform() async throws(TesseraError) {
        let bar = output.progress
        defer { bar.finish() }
        let manifest = try await target.catalog().rollback(
            to: to, readBack: readAll ? .all : .brought, progress: bar.handler)
        bar.finish()
        try output.answer(
            manifest, ["version \(manifest.version) has the content of version \(to)"])
    }
}
