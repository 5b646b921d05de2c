// verify: compares every object of a version with its digest.
import ArgumentParser
import Catalog
import Terminal
import TesseraBase

struct VerifyCommand: ShardctlCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Read back every object of a version and compare it with its digest.",
        discussion: """
            EXAMPLE
              shardctl verify --store file:///data/idx --index photos
            """)

    @OptionGroup var target: IndexOptions
    @Option(parsing: .unconditional, help: "The version; the latest unless given.")
    var at: Int?
    @OptionGroup var output: OutputOptions

    func perform() async throws(TesseraError) {
        let catalog = try target.catalog()
        let bar = output.progress
        defer { bar.finish() }
        let version: Int
        if let at { version = at } else { version = try await catalog.latest().version }
        let report = try await catalog.verify(version, progress: bar.handler)
        bar.finish()
        let answer = VerifyAnswer(report)
        try output.answer(
            answer,
            report.isSound
                ? [
                    "version \(version): \(report.objects.counted("object")), \(report.bytes.asSize), all sound"
                ]
                : answer.problems)
        guard report.isSound else {
            throw TesseraError(
                .corrupted,
                "version \(version) has \(report.problems.count) unsound objects; roll back, or train again"
            )
        }
    }
}

private struct VerifyAnswer: Encodable {
    let version: Int
    let objects: Int
    let bytes: UInt64
    let problems: [String]

    init(_ report: VerificationReport) {
        version = report.version
        objects = report.objects
        bytes = report.bytes
        problems = report.problems.map(\.message)
    }
}
