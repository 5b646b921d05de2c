// compare: checks whether version B is worse than version A.
import Analysis
import ArgumentParser
import Catalog
import ObjectStore
import Reporting
import Terminal
import TesseraBase

struct CompareCommand: MeasuringCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Compare two versions, two stores or two sets of parameters, query by query.",
        discussion: """
            Recall is measured with the exact neighbours stored with A. Ends with exit code 79 if B is worse by more than is \
            tolerated and chance does not explain it.

            EXAMPLE
              analyze-performance compare 7 8 --store file:///data/idx --index photos
              analyze-performance compare 7 7 --store file:///data/idx --index photos \\
                --nprobe-b 8 --tolerate-recall 0.01
            """)

    @Argument(help: "The version A.")
    var a: Int
    @Argument(help: "The version B.")
    var b: Int
    @OptionGroup var target: IndexOptions
    @Option(help: "The store of B; that of A unless given.")
    var storeB: String?
    @Option(help: "The index of B; that of A unless given.")
    var indexB: String?
    @Option(
        parsing: .unconditional, help: "Lists that A scans a query; its manifest's unless given.")
    var nprobeA: Int?
    @Option(
        parsing: .unconditional, help: "Lists that B scans a query; its manifest's unless given.")
    var nprobeB: Int?
    @Option(
        parsing: .unconditional, help: "Candidates that A re-ranks; its manifest's unless given.")
    var refineA: Int?
    @Option(
        parsing: .unconditional, help: "Candidates that B re-ranks; its manifest's unless given.")
    var refineB: Int?
    @Option(name: .shortAndLong, parsing: .unconditional, help: "Results a query.")
    var k = 10
    @Option(help: "Queries, in any format train reads; those stored with A unless given.")
    var queries: String?
    @Option(parsing: .unconditional, help: "Queries used at most.")
    var maxQueries = 500
    @Option(parsing: .unconditional, help: "Recall that B may lose.")
    var tolerateRecall = 0.0
    @Option(
        parsing: .unconditional,
        help: "Share by which B's median latency may be higher; not judged unless given.")
    var tolerateLatency: Double?
    @Option(
        parsing: .unconditional,
        help: "Share of A's answers that B must give; not judged unless given.")
    var minOverlap: Double?
    @Option(parsing: .unconditional, help: "Seed of all random draws.")
    var seed: UInt64 = 42
    @OptionGroup var threads: ThreadOptions
    @OptionGroup var output: OutputOptions

    func perform(_ stop: StopSign) async throws(TesseraError) {
        let bar = output.progress
        defer { bar.finish() }
        let second = try Catalog(
            store: try target.s3.open(storeB ?? target.store).uncached,
            index: try IndexName(indexB ?? target.index))
        let report = try await ComparisonReport.measure(
            ComparisonSubject(
                store: target.store, catalog: try target.catalog(), version: a, nprobe: nprobeA,
                refineDepth: refineA),
            ComparisonSubject(
                store: storeB ?? target.store, catalog: second, version: b, nprobe: nprobeB,
                refineDepth: refineB),
            k: k, queriesPath: queries, mostQueries: maxQueries, seed: seed,
            pool: try threads.pool(), stop: stop, progress: bar.handler)
        bar.finish()
        try output.answer(report, report.lines)
        try report.require(
            ComparisonReport.Tolerance(
                recall: tolerateRecall, latency: tolerateLatency, overlap: minOverlap))
    }
}
