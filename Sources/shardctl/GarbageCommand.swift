// gc: finds and removes what no retained version needs.
import ArgumentParser
import Catalog
import ObjectStore
import Terminal
import TesseraBase

struct GarbageCommand: ShardctlCommand {
    static let configuration = CommandConfiguration(
        commandName: "gc",
        abstract: "Find, and with --apply remove, what no retained version needs.",
        discussion: """
            Says what it would do unless --apply is given. The newest versions stay, and so does everything younger \
            than the grace period, which must be longer than a build takes.

            EXAMPLE
              shardctl gc --store file:///data/idx --index photos --keep 5
              shardctl gc --store file:///data/idx --index photos --keep 5 --apply
            """)

    @OptionGroup var target: IndexOptions
    @Option(parsing: .unconditional, help: "Versions to keep, the newest first.")
    var keep = 10
    @Option(parsing: .unconditional, help: "Hours during which new objects are never removed.")
    var graceHours = 24.0
    @Flag(help: "Really remove.")
    var apply = false
    @Flag(help: "Only say what would be removed; this is the default.")
    var dryRun = false
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if apply && dryRun {
            throw ValidationError("--apply and --dry-run exclude each other")
        }
    }

    func perform() async throws(TesseraError) {
        guard (0...1_000_000).contains(graceHours) else {
            throw TesseraError(
                .invalidArgument, "--grace-hours \(graceHours) is out of range; give 0 to 1000000")
        }
        let bar = output.progress
        defer { bar.finish() }
        let report = try await target.catalog().collectGarbage(
            keep: keep, grace: .seconds(graceHours * 3600), apply: apply, progress: bar.handler)
        bar.finish()
        let answer = GarbageAnswer(report)
        try output.answer(answer, answer.lines)
    }
}

private struct GarbageAnswer: Encodable {
    let applied: Bool
    let retainedVersions: [Int]
    let collectedVersions: [Int]
    let expiredDrafts: [String]
    let objects: [String]
    let temporaryFiles: [String]
    let bytes: UInt64

    init(_ report: GarbageReport) {
        applied = report.applied
        retainedVersions = report.retainedVersions
        collectedVersions = report.collectedVersions
        expiredDrafts = report.expiredDrafts
        objects = report.objects.map(\.key)
        temporaryFiles = report.temporaryFiles.map(\.key)
        bytes = report.bytes
    }

    var lines: [String] {
        let verb = applied ? "removed" : "would remove"
        var lines = collectedVersions.map { "\(verb) version \($0)" }
        lines += expiredDrafts.map { "\(verb) draft \($0)" }
        lines += (objects + temporaryFiles).map { "\(verb) \($0)" }
        lines.append(
            "\(verb) \((objects.count + temporaryFiles.count).counted("object")), \(bytes.asSize); versions that stay: "
                + retainedVersions.map(String.init).joined(separator: ", "))
        if !applied { lines.append("nothing was changed; give --apply to do it") }
        return lines
    }
}
