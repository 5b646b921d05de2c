// publish and rollback: the two ways to a new version.
import ArgumentParser
import Catalog
import Foundation
import TesseraBase
import Worker

struct PublishCommand: ShardctlCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish",
        abstract: "Make a draft the next version, after reading back every object.",
        discussion: """
            Measures recall by the queries that train kept, so that `query --recall` has operating points to pick \
            from; see tune.

            EXAMPLE
              shardctl publish --store file:///data/idx --index photos
            """)

    @OptionGroup var target: IndexOptions
    @Option(help: "The draft; the newest unless given.")
    var draft: String?
    @Flag(inversion: .prefixedNo, help: "Whether recall is measured first.")
    var tune = true
    @Option(
        help: "Folder a store elsewhere is copied to for measuring; the system's unless given.")
    var scratch: String?
    @OptionGroup var threads: ThreadOptions
    @OptionGroup var output: OutputOptions

    func perform() async throws(TesseraError) {
        let bar = output.progress
        defer { bar.finish() }
        let catalog = try target.catalog()
        let tuner = IndexTuner(
            catalog, pool: try threads.pool(),
            scratchFolder: scratch ?? FileManager.default.temporaryDirectory.path,
            progress: bar.handler)
        let publication = try await catalog.publish(draftID: draft, progress: bar.handler) {
            [tune] draft async throws(TesseraError) in
            guard tune, let set = try await tuner.queries(of: draft.index) else { return nil }
            return try await tuner.measure(draft.index, by: set).map(\.point)
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
                    + Self.recallLine(manifest.index))
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
            History is never rewritten: the new version has the old content.

            EXAMPLE
              shardctl rollback --store file:///data/idx --index photos --to 3
            """)

    @OptionGroup var target: IndexOptions
    @Option(parsing: .unconditional, help: "The version to bring back.")
    var to: Int
    @OptionGroup var output: OutputOptions

    func perform() async throws(TesseraError) {
        let bar = output.progress
        defer { bar.finish() }
        let manifest = try await target.catalog().rollback(to: to, progress: bar.handler)
        bar.finish()
        try output.answer(
            manifest, ["version \(manifest.version) has the content of version \(to)"])
    }
}
