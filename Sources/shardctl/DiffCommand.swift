// diff: compares the answers of two versions.
import Analysis
import ArgumentParser
import Catalog
import Reporting
import Terminal
import TesseraBase

struct DiffCommand: ShardctlCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Compare two versions: overlap, recall, latency, and the cells that got worse.",
        discussion: """
            Runs the same queries on both. Ends with exit code 79 if the second finds less than the first by more \
            than is tolerated, and chance does not explain it. `analyze-performance compare` has more options.

            EXAMPLE
              shardctl diff 7 8 --store file:///data/idx --index photos
            """)

    @Argument(help: "The version to compare with.")
    var first: Int
    @Argument(help: "The version to judge.")
    var second: Int
    @OptionGroup var target: IndexOptions
    @Option(
        help:
            "Queries, in any format train reads; those stored with the first version unless given.")
    var queries: String?
    @Option(name: .shortAndLong, parsing: .unconditional, help: "Results a query.")
    var k = 10
    @Option(parsing: .unconditional, help: "Recall that the second may lose.")
    var tolerateRecall = 0.0
    @OptionGroup var threads: ThreadOptions
    @OptionGroup var output: OutputOptions

    func perform() async throws(TesseraError) {
        let bar = output.progress
        defer { bar.finish() }
        let catalog = try target.catalog()
        let report = try await ComparisonReport.measure(
            ComparisonSubject(store: target.store, catalog: catalog, version: first),
            ComparisonSubject(store: target.store, catalog: catalog, version: second),
            k: k, queriesPath: queries, mostQueries: 500, seed: 42, pool: try threads.pool(),
            stop: StopSign(), progress: bar.handler)
        bar.finish()
        try output.answer(report, report.lines)
        try report.require(ComparisonReport.Tolerance(recall: tolerateRecall))
    }
}
