// publish and rollback: the two ways to a new version.
import ArgumentParser
import Catalog
import TesseraBase

struct PublishCommand: ShardctlCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish",
        abstract: "Make a draft the next version, after reading back every object.",
        discussion: """
            EXAMPLE
              shardctl publish --store file:///data/idx --index photos
            """)

    @OptionGroup var target: IndexOptions
    @Option(help: "The draft; the newest unless given.")
    var draft: String?
    @OptionGroup var output: OutputOptions

    func perform() async throws(TesseraError) {
        let bar = output.progress
        defer { bar.finish() }
        let publication = try await target.catalog().publish(draftID: draft, progress: bar.handler)
        bar.finish()
        let manifest = publication.manifest
        try output.answer(
            manifest,
            publication.alreadyPublished
                ? ["draft \(manifest.draft ?? "") is version \(manifest.version) already"]
                : [
                    "published version \(manifest.version) (\(manifest.index.vectors.counted("vector")))"
                ])
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
