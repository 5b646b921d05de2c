// Plans of small samples: predictions are compared with measurements, by counts and bytes and never
// by time.
import Catalog
import Foundation
import Planner
import Reporting
import SearchFixtures
import TesseraBase
import TestSupport
import Testing
import VectorCore

struct PlannerTests {
    private static let now = Date(timeIntervalSince1970: 1_769_860_800)

    private static func plan(_ folder: TemporaryFolder, rows: Int) throws -> CalibrationPlan {
        let vectors = RandomVectors.clustered(rows: rows, columns: 16, clusters: 60, seed: 4)
        try VectorFileWriter.write(vectors, to: folder.path("base.fbin"))
        var plan = CalibrationPlan(scratch: folder.url.path)
        plan.vectorsPath = folder.path("base.fbin")
        plan.queries = 100
        plan.shardSize = 600
        plan.memoryBudget = 16e6
        return plan
    }

    private static func report(
        _ plan: CalibrationPlan, _ questions: [String], published: PublishedScale? = nil
    ) async throws -> PlanReport {
        let asked = try questions.map { try WhatIf(parsing: $0) }
        return try await Planner(
            plan, published: published, prices: .usual, pool: WorkPool(width: 2), stop: StopSign(),
            progress: { _ in }
        ).run(asked, at: now)
    }

    @Test func `the largest index is foretold from smaller ones`() async throws {
        let folder = try TemporaryFolder()
        let plan = try Self.plan(folder, rows: 9700)
        let questions = [
            "vectors=20000,recall=0.6,cache=10%,workers=4,store-ms=20,store-mbps=90",
            "vectors=40000,nprobe=8,refine=40",
        ]
        let report = try await Self.report(plan, questions)
        #expect(report.scales.map(\.vectors) == [600, 1200, 2400, 9600])
        let recalls = report.heldOut.filter { $0.unit == .recall }
        #expect(!recalls.isEmpty)
        for line in recalls { #expect(abs(line.error) < 0.1, "\(line)") }
        for name in ["memory", "disk"] {
            let line = try #require(report.heldOut.first { $0.quantity == name })
            #expect(abs(line.error) < 0.1, "\(line)")
        }
        let lists = try #require(report.heldOut.first { $0.quantity == "lists" })
        #expect(abs(lists.error) < 0.3, "\(lists)")
        let large = report.plans[0]
        #expect(large.recall >= 0.6 && large.cut.shards >= 20_000 / 600)
        #expect(large.shardsPerWorker == (large.cut.shards + 3) / 4)
        #expect(large.memoryPerWorker * 4 < 0.5 * large.footprint.held)
        #expect(large.storeShare > 0.5 && (large.store?.roundTrips ?? 0) >= 1)
        #expect(large.costs.storedMonth > 0 && large.costs.per1000Warm ?? 0 > 0)
        #expect(report.plans[1].way == SearchWay(nprobe: 8, refineDepth: 40))
        try Self.checkWords(report)
        // The scratch folder is empty afterwards.
        let left = try FileManager.default.contentsOfDirectory(atPath: folder.url.path)
        #expect(left == ["base.fbin"])
        let again = try await Self.report(plan, questions)
        #expect(again.scales == report.scales)
        for (first, second) in zip(report.plans, again.plans) {
            #expect(first.way == second.way && first.recall == second.recall)
            #expect(first.cut == second.cut && first.footprint == second.footprint)
        }
    }

    private static func checkWords(_ report: PlanReport) throws {
        let lines = report.lines.joined(separator: "\n")
        for word in [
            "Plan 1: 20,000 vectors", "Prediction error", "predicted", "nprobe", "p99", "modelled",
        ] {
            #expect(lines.contains(word), "\(word)")
        }
        for table in report.tables { #expect(report.page.contains("<h2>\(table.title)</h2>")) }
        #expect(
            !report.page.contains("<script") && report.page.contains("prefers-color-scheme:dark"))
        let copy = try JSONDecoder().decode(PlanReport.self, from: JSONEncoder().encode(report))
        #expect(copy.scales == report.scales && copy.heldOut == report.heldOut)
    }

    @Test func `a published version calibrates as well`() async throws {
        let vectors = RandomVectors.clustered(rows: 5200, columns: 16, clusters: 12, seed: 3)
        let fixture = try await SearchFixture(vectors, IndexPlan())
        let folder = try TemporaryFolder()
        var plan = CalibrationPlan(scratch: folder.url.path)
        plan.memoryBudget = 16e6
        plan.queries = 60
        let report = try await Self.report(
            plan, ["vectors=1e6"],
            published: PublishedScale(fixture.manifest, fixture.store, fixture.catalog))
        #expect(report.scales.last?.vectors == 5200 && report.scales.count == 4)
        #expect(
            report.scales.last?.lists == fixture.manifest.index.shards.reduce(0) { $0 + $1.lists })
        let memory = try #require(report.heldOut.first { $0.quantity == "memory" })
        #expect(abs(memory.error) < 0.1)
    }

    @Test(arguments: [
        ("vectors=1e6,dim=99", 4600, "dim=99"), ("vectors=4100", 4600, "vectors=4100"),
        ("vectors=1e6,recall=0.9999999", 4600, "out of reach"),
        ("vectors=1e6,nprobe=100000", 4600, "nprobe=100000"), ("vectors=1e6", 3000, "too little"),
    ])
    func `what a sample cannot tell is refused`(
        question: String, rows: Int, named: String
    ) async throws {
        let folder = try TemporaryFolder()
        let plan = try Self.plan(folder, rows: rows)
        let error = await failure { _ = try await Self.report(plan, [question]) }
        #expect(error?.message.contains(named) == true, "\(error?.message ?? "nothing was thrown")")
    }

    @Test func `nothing to calibrate with is said`() async throws {
        let folder = try TemporaryFolder()
        let error = await failure {
            _ = try await Self.report(CalibrationPlan(scratch: folder.url.path), ["vectors=1e9"])
        }
        #expect(error?.code == .invalidArgument && error?.message.contains("--vectors") == true)
    }
}
