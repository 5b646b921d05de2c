// plan: predicts an index of a given size.
import Analysis
import ArgumentParser
import Catalog
import Foundation
import ObjectStore
import Planner
import Reporting
import Terminal
import TesseraBase
import VectorCore

struct PlanCommand: MeasuringCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract:
            "Predict an index that is not built yet: shards, recall, memory, time, cost. --what-if alone implies it.",
        discussion: """
            Small indexes are built of a sample and measured, the machine is probed, and the results are extrapolated to the \
            size asked for. The report states the error: the largest of the indexes, predicted from the others.

            Keys of --what-if: vectors, dim, recall or nprobe and refine, cache (share of the shards in memory), workers, \
            store-ms and store-mbps (a store to plan for; measured unless given). Give it several times to ask several \
            questions of one calibration.

            EXAMPLE
              analyze-performance --what-if vectors=1e9,recall=0.95,cache=10%,workers=8 \\
                --vectors base.fbin
              analyze-performance --what-if vectors=1e8,recall=0.95 \\
                --store file:///data/idx --index photos --html plan.html
            """)

    @Option(name: .customLong("what-if"), help: "The question, key=value,key=value…")
    var questions: [String]
    @Option(help: "Vectors to draw the sample from, in any format train reads.")
    var vectors: String?
    @Option(help: "Their external ids, one a line; row numbers unless given.")
    var ids: String?
    @Option(help: "Queries; vectors held back, or those stored with the version, unless given.")
    var queries: String?
    @Option(help: "The metric of --vectors: l2, ip or cosine.")
    var metric = "l2"
    @Option(help: "A store with a published version to calibrate with.")
    var store: String?
    @Option(help: "The index in it.")
    var index: String?
    @Option(parsing: .unconditional, help: "The version; the latest unless given.")
    var at: Int?
    @OptionGroup var s3: S3Options
    @Option(parsing: .unconditional, help: "Vectors that indexes are built of.")
    var sample = 1_000_000
    @Option(parsing: .unconditional, help: "Queries that recall is measured by.")
    var maxQueries = 500
    @Option(parsing: .unconditional, help: "Vectors a shard aims at; by rule unless given.")
    var shardSize: Int?
    @Option(parsing: .unconditional, help: "Bytes of a vector's code; by rule unless given.")
    var codeSize: Int?
    @Option(help: "mock or faiss; as train chooses unless given.")
    var backend: String?
    @Option(
        parsing: .unconditional,
        help:
            "Megabytes that copies of an index take while it is timed; by the memory left unless given."
    )
    var memoryMegabytes: Double?
    @Option(help: "A folder for the indexes that are built; the system's unless given.")
    var scratch: String?
    @Option(help: "A price table; see the command prices.")
    var prices: String?
    @Option(parsing: .unconditional, help: "Seed of all random draws.")
    var seed: UInt64 = 42
    @Option(help: "A page for people: one file.")
    var html: String?
    @OptionGroup var threads: ThreadOptions
    @OptionGroup var output: OutputOptions

    func perform(_ stop: StopSign) async throws(TesseraError) {
        var asked: [WhatIf] = []
        for question in questions { asked.append(try WhatIf(parsing: question)) }
        let page = try html.map { path throws(TesseraError) in
            try OutputFile(path: path, option: "--html")
        }
        let bar = output.progress
        defer { bar.finish() }
        let planner = Planner(
            try plan(), published: try await published(),
            prices: try prices.map(CostTable.read) ?? .usual, pool: try threads.pool(), stop: stop,
            progress: bar.handler)
        let report = try await planner.run(asked, at: WallClock.system.now())
        bar.finish()
        try page?.write(report.page.utf8)
        try page?.close()
        try output.answer(report, report.lines)
    }

    private func published() async throws(TesseraError) -> PublishedScale? {
        guard let store else {
            guard index == nil, at == nil else {
                throw TesseraError(
                    .invalidArgument, "--index and --at need a --store to look in; add it")
            }
            return nil
        }
        guard let index else {
            throw TesseraError(.invalidArgument, "--store needs an --index to look at; add it")
        }
        let base = try s3.open(store).uncached
        let catalog = try Catalog(store: base, index: try IndexName(index))
        let manifest = try await catalog.version(at)
        return PublishedScale(manifest, base, catalog)
    }

    private func plan() throws(TesseraError) -> CalibrationPlan {
        guard let metric = Metric(rawValue: metric) else {
            throw TesseraError(
                .invalidArgument, "there is no metric '\(metric)'; choose one of l2, ip, cosine")
        }
        var plan = CalibrationPlan(
            scratch: scratch ?? FileManager.default.temporaryDirectory.path)
        plan.vectorsPath = vectors
        plan.idsPath = ids
        plan.queriesPath = queries
        plan.metric = metric
        plan.sample = sample
        plan.queries = maxQueries
        plan.shardSize = shardSize
        plan.codeSize = codeSize
        plan.backend = backend
        plan.seed = seed
        if let memoryMegabytes {
            guard (1...1e7).contains(memoryMegabytes) else {
                throw TesseraError(
                    .invalidArgument,
                    "--memory-megabytes \(memoryMegabytes) is out of range; give 1 to 1e7")
            }
            plan.memoryBudget = memoryMegabytes * 1e6
        }
        return plan
    }
}

extension PlanCommand {
    /// Adds the command `plan` to arguments that have --what-if and no command.
    static func named(in arguments: [String]) -> [String] {
        let asks = arguments.contains { $0 == "--what-if" || $0.hasPrefix("--what-if=") }
        let isNamed = arguments.first.map { !$0.hasPrefix("-") } ?? false
        return asks && !isNamed ? ["plan"] + arguments : arguments
    }
}
