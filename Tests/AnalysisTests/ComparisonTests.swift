// Comparisons of a version with itself, and with a search that finds less.
import Analysis
import Reporting
import TesseraBase
import TestSupport
import Testing

struct ComparisonTests {
    private func compare(
        _ fixture: AnalysisFixture, nprobeB: Int? = nil, refineB: Int? = nil,
        queries: String? = nil
    ) async throws -> ComparisonReport {
        try await ComparisonReport.measure(
            ComparisonSubject(store: "s", catalog: fixture.catalog, version: 1),
            ComparisonSubject(
                store: "s", catalog: fixture.catalog, version: nil, nprobe: nprobeB,
                refineDepth: refineB),
            k: 10, queriesPath: queries, mostQueries: 500, seed: 3, pool: WorkPool(width: 2),
            stop: StopSign(), progress: { _ in })
    }

    @Test func `a version is as good as itself`() async throws {
        let report = try await compare(try await AnalysisFixture())
        #expect(report.overlap?.estimate == 1 && report.overlap?.low == 1)
        #expect(report.identical == 60)
        let recall = try #require(report.recall)
        #expect(recall.difference.low == 0 && recall.difference.high == 0 && recall.signTest == 1)
        #expect(recall.queriesBetter == 0 && recall.queriesWorse == 0)
        #expect(report.worseCells.isEmpty && report.complaints(.init(overlap: 1)) == [])
        #expect(report.latency?.ratio.estimate ?? 0 > 0)
    }

    @Test func `fewer lists find less, and that is no accident`() async throws {
        let fixture = try await AnalysisFixture()
        let report = try await compare(fixture, nprobeB: 1)
        let recall = try #require(report.recall)
        #expect(recall.b < recall.a && recall.difference.high < 0 && recall.signTest < 0.01)
        #expect(report.overlap?.high ?? 1 < 1)
        #expect(!report.worseCells.isEmpty)
        let ordered = report.worseCells.map { $0.b - $0.a }
        #expect(ordered == ordered.sorted() && ordered.allSatisfy { $0 < 0 })
        let error = await failure { try report.require(.init()) }
        #expect(error?.code == .unmet && error?.message.contains("recall@10 falls from") == true)
        #expect(report.complaints(.init(recall: 1)) == [])
        #expect(report.complaints(.init(recall: 1, overlap: 0.999)).count == 1)
        #expect(report.lines.contains { $0.contains("cells of A where B finds less") })
    }

    @Test func `queries of a file are held against the refine tier`() async throws {
        let fixture = try await AnalysisFixture()
        let report = try await compare(fixture, queries: fixture.queriesPath)
        #expect(report.queries == 40 && report.recall?.queries == 40)
        #expect(report.recall?.a ?? 0 > 0.5)
    }

    @Test func `what cannot be compared is refused`() async throws {
        let fixture = try await AnalysisFixture()
        let probes = await failure { _ = try await compare(fixture, nprobeB: 100_000) }
        #expect(probes?.code == .invalidArgument && probes?.message.contains("nprobe") == true)
        let depth = await failure { _ = try await compare(fixture, refineB: 1) }
        #expect(depth?.code == .invalidArgument)
    }
}
