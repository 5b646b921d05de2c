// report: measures one version.
import Analysis
import ArgumentParser
import Catalog
import Foundation
import ObjectStore
import Recall
import Reporting
import Terminal
import TesseraBase

struct ReportCommand: MeasuringCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Measure one published version. This is the default command.",
        discussion: """
            Recall is measured against exact search over the vectors of --vectors, kept by digest for the next run; \
            without them against the neighbours stored with the version, and beyond its 10 neighbours against the refine tier. \
            Where --budget-seconds is too short for all queries, fewer are compared and the intervals are wider.

            With --queries, FILE or the folder that `shardctl serve --query-log` keeps for the index, they are also held \
            against the queries the version keeps: do they lie farther from its cells? --fail-on-drift makes that an exit code.

            With --url a running coordinator is measured over HTTP. Its answers are compared with --vectors, or with what \
            the version stores in --store; without either, recall is not measured. Cold reads, memory and costs are the \
            server's own and not in that report.

            EXAMPLE
              analyze-performance --store file:///data/idx --index photos
              analyze-performance --store file:///data/idx --index photos --at 3 \\
                --vectors base.fbin --ids ids.txt --queries q.fbin --html report.html
              analyze-performance --store file:///data/idx --index photos \\
                --queries /data/queries/photos --fail-on-drift
              analyze-performance --url http://127.0.0.1:8080 --index photos \\
                --store file:///data/idx --concurrency 8
            """)

    @OptionGroup var target: SubjectOptions
    @Option(parsing: .unconditional, help: "The version; the latest unless given.")
    var at: Int?
    @Option(help: "The vectors the version was trained on, for exact search.")
    var vectors: String?
    @Option(help: "Their external ids, one a line; row numbers unless given.")
    var ids: String?
    @Option(
        help:
            "Queries, in any format train reads, or a folder of recorded ones; those stored with the version unless given."
    )
    var queries: String?
    @Option(parsing: .unconditional, help: "Queries used at most.")
    var maxQueries = 500
    @Flag(help: "End with exit code 79 if queries have drifted from those stored with the version.")
    var failOnDrift = false
    @Option(name: .shortAndLong, parsing: .unconditional, help: "Results a query.")
    var k = 10
    @Option(parsing: .unconditional, help: "Lists scanned a query; the manifest's unless given.")
    var nprobe: Int?
    @Option(
        parsing: .unconditional, help: "Candidates re-ranked a query; the manifest's unless given.")
    var refine: Int?
    @Option(parsing: .unconditional, help: "Queries under way at once.")
    var concurrency = 1
    @Option(parsing: .unconditional, help: "Seconds each load lasts.")
    var loadSeconds = 3.0
    @Option(
        parsing: .unconditional,
        help:
            "Queries a second the open loop offers; half of what the closed loop reached unless given."
    )
    var rate: Double?
    @Option(parsing: .unconditional, help: "Queries straight from the store, cold and warm.")
    var coldQueries = 24
    @Option(parsing: .unconditional, help: "Operating points on the curve.")
    var curvePoints = 8
    @Option(parsing: .unconditional, help: "Seconds the whole run should take at most.")
    var budgetSeconds = 120.0
    @Option(help: "Folder that keeps exact neighbours; one in the user's cache unless given.")
    var truthFolder: String?
    @Flag(help: "Keep no exact neighbours, and use none kept.")
    var noTruthCache = false
    @Option(
        parsing: .unconditional,
        help:
            "Vectors to build small indexes of, for exact search against IVF-PQ; 0: no such table.")
    var classicSample = 64_000
    @Option(help: "A price table; see the command prices.")
    var prices: String?
    @Option(parsing: .unconditional, help: "Seed of all random draws.")
    var seed: UInt64 = 42
    @Option(help: "A page for people: one file, charts included.")
    var html: String?
    @OptionGroup var threads: ThreadOptions
    @OptionGroup var output: OutputOptions

    func perform(_ stop: StopSign) async throws(TesseraError) {
        let page = try html.map { path throws(TesseraError) in
            try OutputFile(path: path, option: "--html")
        }
        guard !failOnDrift || queries != nil else {
            throw TesseraError(
                .invalidArgument, "--fail-on-drift judges the queries of --queries; name them")
        }
        let bar = output.progress
        defer { bar.finish() }
        let outcome = try await outcome(stop, bar.handler)
        bar.finish()
        let report = outcome.report
        try page?.write(report.page.utf8)
        try page?.close()
        try output.answer(report, report.lines)
        if let failure = outcome.failure { throw failure }
        if failOnDrift { try report.requireNoDrift() }
    }

    private func outcome(
        _ stop: StopSign, _ progress: @escaping ProgressHandler
    ) async throws(TesseraError) -> Analyzer.Outcome {
        let pool = try threads.pool()
        if let url = target.url {
            let client = try target.client(url, connections: max(concurrency, pool.width))
            var plan = try plan(store: client.url)
            plan.version = at
            return try await CoordinatorAnalyzer(
                plan, client, catalog: try target.catalog(), pool: pool, stop: stop,
                progress: progress
            ).run(at: WallClock.system.now())
        }
        let base = try target.open()
        let catalog = try Catalog(store: base, index: try IndexName(target.index))
        let manifest = try await catalog.version(at)
        return try await Analyzer(
            try plan(store: try target.required()), manifest, base: base, pool: pool, stop: stop,
            progress: progress
        ).run(at: WallClock.system.now())
    }

    private func plan(store: String) throws(TesseraError) -> AnalysisPlan {
        var plan = AnalysisPlan(store: store)
        plan.k = k
        plan.nprobe = nprobe
        plan.refineDepth = refine
        plan.queriesPath = queries
        plan.mostQueries = maxQueries
        plan.vectorsPath = vectors
        plan.idsPath = ids
        plan.truthFolder = noTruthCache ? nil : truthFolder ?? Self.usualTruthFolder
        plan.budgetSeconds = budgetSeconds
        plan.loadSeconds = loadSeconds
        plan.concurrency = concurrency
        plan.rate = rate
        plan.coldQueries = coldQueries
        plan.curvePoints = curvePoints
        plan.seed = seed
        plan.classicSample = classicSample
        if let prices { plan.prices = try CostTable.read(path: prices) }
        return plan
    }

    /// The folder for cached exact neighbours, by the XDG base directory rules.
    private static var usualTruthFolder: String? {
        let environment = ProcessInfo.processInfo.environment
        let caches = environment["XDG_CACHE_HOME"] ?? environment["HOME"].map { $0 + "/.cache" }
        return caches.map { $0 + "/tessera/truth" }
    }
}
