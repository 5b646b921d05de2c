// Whole reports: their stages, early ends, and the HTML page.
import Analysis
import Catalog
import Foundation
import ObjectStore
import Reporting
import Search
import SearchTypes
import TesseraBase
import TestSupport
import Testing
import VectorCore

struct ReportTests {
    @Test func `a report is whole, and its recall is that of an oracle`() async throws {
        let fixture = try await AnalysisFixture()
        var plan = fixture.plan()
        plan.queriesPath = fixture.queriesPath
        plan.vectorsPath = fixture.vectorsPath
        plan.idsPath = fixture.idsPath
        plan.nprobe = 4
        let outcome = try await fixture.report(plan)
        let report = outcome.report
        #expect(outcome.failure == nil && report.complete && report.stoppedBy == nil)
        #expect(report.recall.map(\.k) == [1, 10, 100])
        let searcher = try await VersionLoader.load(
            fixture.manifest, from: fixture.catalog, pool: WorkPool(width: 1), progress: { _ in })
        for line in report.recall {
            let found = try await searcher.search(
                fixture.strangers,
                options: SearchOptions(
                    k: line.k, probeCount: 4,
                    listMargin: fixture.manifest.index.listMargin(probes: 4),
                    refineDepth: max(fixture.manifest.index.search.refineDepth, 10 * line.k),
                    probeShards: fixture.manifest.index.probeShards(probes: 4)),
                pool: WorkPool(width: 1), batch: 1)
            let rows = found.answers.map { $0.hits.compactMap { Int($0.id.dropFirst()) } }
            let truth = ExactSearch.nearest(
                fixture.strangers, in: fixture.vectors, k: line.k, metric: .l2)
            #expect(abs(ExactSearch.recall(rows, truth) - line.recall) < 1e-5)
            #expect(line.low <= line.recall && line.recall <= line.high && line.queries == 40)
        }
        #expect(report.cells.count == fixture.manifest.index.shards.count)
        #expect(report.cells.reduce(0) { $0 + $1.queries } == 40)
        #expect(report.cells.reduce(0) { $0 + $1.vectors } == 1200)
        #expect(report.curve.count == 3 && (report.closedLoop?.queries ?? 0) > 0)
        let open = try #require(report.openLoop)
        #expect(open.histogram.reduce(0) { $0 + $1.queries } == open.queries)
        // Router, shards, lists, rows: three round trips for a query with nothing open, two
        // afterwards.
        #expect(report.cold?.roundTrips == 3 && report.warm?.roundTrips == 2)
        #expect((report.cold?.bytes ?? 0) > (report.warm?.bytes ?? .infinity))
        let costs = try #require(report.costs)
        #expect(
            costs.per1000Warm == (report.warm?.requests ?? 0) * plan.prices.requests.per1000Reads)
    }

    @Test func `the page needs nothing else, and shows what the tables say`() async throws {
        let fixture = try await AnalysisFixture()
        let report = try await fixture.report(fixture.plan()).report
        let page = report.page
        for part in ["<script", "src=", "href=", "url(", "@import"] {
            #expect(!page.contains(part), "\(part)")
        }
        #expect(page.components(separatedBy: "<svg").count == 5)
        #expect(page.contains("prefers-color-scheme:dark") && page.contains("@media print"))
        for table in report.tables { #expect(page.contains("<h2>\(table.title)</h2>")) }
        let lines = report.lines.joined(separator: "\n")
        for title in ["Recall against", "Throughput", "Stages", "Tiers", "Straight from", "cost"] {
            #expect(lines.contains(title), "\(title)")
        }
        let parser = XMLishChecker()
        #expect(parser.unbalanced(page) == [])
        let copy = try JSONDecoder().decode(Report.self, from: JSONEncoder().encode(report))
        #expect(copy.recall.map(\.recall) == report.recall.map(\.recall))
    }

    @Test func `an interrupted run leaves what it has, marked`() async throws {
        let fixture = try await AnalysisFixture()
        let stop = StopSign()
        stop.stop()
        let outcome = try await fixture.report(fixture.plan(), stop: stop)
        #expect(outcome.failure?.code == .cancelled && !outcome.report.complete)
        #expect(outcome.report.stoppedBy == "the run was interrupted")
        #expect(outcome.report.page.contains("<strong>Partial.</strong>"))
        #expect(outcome.report.lines.contains { $0.hasPrefix("PARTIAL") })
    }

    @Test func `a version whose objects vanish ends the run and not the report`() async throws {
        let fixture = try await AnalysisFixture()
        let key = ObjectKind.shard.key(fixture.manifest.index.shards[0].digest)
        try await fixture.catalog.store.delete(key)
        let outcome = try await fixture.report(fixture.plan())
        #expect(outcome.failure?.code == .notFound && !outcome.report.complete)
        #expect(outcome.report.stoppedBy?.contains("shards/") == true)
    }

    @Test(arguments: [
        "-k", "--nprobe", "--refine", "--concurrency", "--load-seconds", "--budget-seconds",
        "--rate", "at least one query",
    ])
    func `what cannot be measured is refused`(name: String) async throws {
        let fixture = try await AnalysisFixture(queries: 5)
        var plan = fixture.plan()
        switch name {
        case "-k": plan.k = .max
        case "--nprobe": plan.nprobe = 100_000
        case "--refine": plan.refineDepth = 3
        case "--concurrency": plan.concurrency = 0
        case "--load-seconds": plan.loadSeconds = .nan
        case "--budget-seconds": plan.budgetSeconds = 0
        case "--rate": plan.rate = -1
        default: plan.mostQueries = 0
        }
        let asked = plan
        let error = await failure { _ = try await fixture.report(asked) }
        #expect(error?.code == .invalidArgument && error?.message.contains(name) == true)
    }

    @Test func `prices are read from a file, and nonsense is refused`() async throws {
        let folder = try TemporaryFolder()
        let good = try folder.write("p.json", JSONEncoder().encode(CostTable.usual))
        #expect(try CostTable.read(path: good) == .usual)
        let bad = try folder.write("bad.json", Data("{}".utf8))
        #expect(await failure { _ = try CostTable.read(path: bad) }?.code == .invalidArgument)
        #expect(
            await failure { _ = try CostTable.read(path: folder.path("no")) }?.code == .notFound)
        let costs = Costs(
            .usual, storedBytes: 1 << 31, queriesPerSecond: 100,
            cold: StoreReads(
                queries: 1, roundTrips: 3, requests: 50, bytes: 1e6, p50Milliseconds: 1,
                p99Milliseconds: 1), warm: nil)
        #expect(costs.storedMonth == 0.046 && costs.per1000Cold == 50 * 0.0004)
        #expect(abs((costs.per1000InMemory ?? 0) - 0.085 / 360) < 1e-12)
        #expect(costs.per1000Warm == nil && costs.monthFromStore == nil)
    }
}

/// Finds tags that are opened and not closed, or closed and not opened.
private struct XMLishChecker {
    private static let void: Set = ["meta", "br", "!DOCTYPE"]

    func unbalanced(_ page: String) -> [String] {
        var open: [String] = []
        for piece in page.split(separator: "<").dropFirst() {
            let tag = piece.prefix { $0 != ">" }
            let name = String(
                tag.prefix { $0 != " " && $0 != "/" || $0 == "/" && tag.first == "/" })
            if tag.hasPrefix("/") {
                guard open.last == String(name.dropFirst()) else { return open + [name] }
                open.removeLast()
            } else if !tag.hasSuffix("/"), !Self.void.contains(name) {
                open.append(name)
            }
        }
        return open
    }
}
