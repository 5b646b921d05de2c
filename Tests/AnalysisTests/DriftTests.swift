// Drift: the statistical test behind it, and the verdict on queries that are like the stored ones
// and on queries that are not.
import Analysis
import Catalog
import Foundation
import Reporting
import TesseraBase
import TestSupport
import Testing
import VectorCore
import VectorIndex

struct DriftTests {
    /// 400 vectors drawn like the fixture's, moved by `shift` in every dimension.
    private func strangers(_ fixture: AnalysisFixture, shift: Float, rows: Int = 400) throws
        -> String
    {
        let all = RandomVectors.clustered(rows: 1240 + rows, columns: 16, clusters: 12, seed: 3)
        var queries = all.gathering(Array(1240..<1240 + rows))
        for place in queries.elements.indices { queries.elements[place] += shift }
        let path = fixture.folder.path("strangers-\(shift)-\(rows).fbin")
        try VectorFileWriter.write(queries, to: path)
        return path
    }

    private func report(_ fixture: AnalysisFixture, queries: String) async throws -> Report {
        var plan = fixture.plan()
        plan.queriesPath = queries
        plan.coldQueries = 0
        plan.curvePoints = 0
        let outcome = try await fixture.report(plan)
        #expect(outcome.failure == nil)
        return outcome.report
    }

    @Test func `the Smirnov test has the values of its definition`() {
        let known: [([Double], [Double], Double)] = [
            ([1, 2, 3, 4, 5], [3, 4, 5, 6, 7], 0.4), ([1, 2, 3, 4], [5, 6], 1),
            ([5, 6], [1, 2, 3], 0), ([1, 1, 2, 2], [1, 2, 2, 2], 0.25), ([3], [3], 0),
        ]
        for (a, b, difference) in known {
            let found = Statistics.smirnov(a, below: b)
            let size = Double(a.count * b.count) / Double(a.count + b.count)
            #expect(abs(found.difference - difference) < 1e-12)
            #expect(abs(found.probability - exp(-2 * difference * difference * size)) < 1e-12)
        }
    }

    @Test func `its probability is about the exact one for samples of twenty`() {
        // Twenty values each, ten of them apart: C(40, 10) / C(40, 20) of all orders are as uneven
        // (Conover, 6.3).
        let a = (0..<20).map(Double.init)
        let b = (0..<20).map { Double($0) + 9.5 }
        let found = Statistics.smirnov(a, below: b)
        #expect(found.difference == 0.5)
        #expect(abs(found.probability - 0.0061493) < 0.1 * 0.0061493)
    }

    @Test func `it raises few false alarms and misses no real drift`() {
        var random = SeededRandom(seed: 8)
        func sample(_ count: Int, shift: Double) -> [Float] {
            (0..<count).map { _ in
                let sum = (0..<3).reduce(0) { sum, _ in
                    sum + Double.random(in: -1..<1, using: &random)
                }
                return Float((5 + sum + shift) * (5 + sum + shift))
            }
        }
        func alarms(shift: Double) -> Int {
            (0..<100).count { _ in
                Drift(
                    live: sample(300, shift: shift),
                    reference: CellReference(distances: sample(300, shift: 0)), source: "file",
                    basis: .list
                ).alarm == true
            }
        }
        // One alarm in a thousand is expected without drift, and none for queries that moved
        // nearer.
        #expect(alarms(shift: 0) <= 1)
        #expect(alarms(shift: -1) == 0)
        #expect(alarms(shift: 1) == 100)
    }

    @Test func `a part that went far away is seen though the median stays`() throws {
        let kept = (0..<500).map { Float($0 % 100) }
        let live = (0..<500).map { $0 % 8 == 0 ? Float(1000) : Float($0 % 100) }
        let drift = Drift(
            live: live, reference: CellReference(distances: kept), source: "file", basis: .list)
        #expect(drift.alarm == true && drift.difference > 0.1 && drift.difference < 0.14)
        #expect(drift.beyond99 > 0.12 && drift.medianDistance < 1.2 * drift.referenceMedian)
    }

    @Test func `percentiles are what so many of a hundred do not exceed`() {
        let reference = CellReference(distances: (1...200).reversed().map(Float.init))
        #expect(reference.percentile95 == 190 && reference.percentile99 == 198)
        #expect(CellReference(distances: [7]).percentile95 == 7)
    }

    @Test func `distances to cells are those of brute force`() {
        let centroids = RandomVectors.uniform(rows: 9, columns: 5, seed: 1)
        let queries = RandomVectors.uniform(rows: 7, columns: 5, seed: 2)
        let router = Router(centroids: centroids, transform: .padding(from: 5, to: 8))
        for (row, distance) in router.cellDistances(queries).enumerated() {
            let expected = (0..<9).map { cell in
                zip(queries.row(row), centroids.row(cell)).reduce(Float(0)) {
                    $0 + ($1.0 - $1.1) * ($1.0 - $1.1)
                }
            }.min()
            #expect(abs(distance - (expected ?? 0)) < 1e-5)
        }
    }

    @Test func `strangers of the same kind raise no alarm, and those from elsewhere do`()
        async throws
    {
        let fixture = try await AnalysisFixture(queries: 400)
        let same = try await report(fixture, queries: strangers(fixture, shift: 0))
        let calm = try #require(same.drift)
        #expect(calm.alarm == false && calm.queries == 400 && calm.reference == 400)
        #expect(calm.basis == .list && calm.referenceSource == "sample")
        // Stored queries are members of lists; corrected for their pull on the centroids, they lie
        // as far away as new vectors.
        #expect(abs(calm.medianDistance / calm.referenceMedian - 1) < 0.05)
        try same.requireNoDrift()
        #expect(same.lines.contains { $0.hasPrefix("note: no drift") })
        #expect(same.lines.contains { $0.contains("vectors of the index") })

        let moved = try await report(fixture, queries: strangers(fixture, shift: 0.25))
        let drift = try #require(moved.drift)
        #expect(drift.alarm == true && drift.probability < 1e-6)
        #expect(drift.beyond95 > 0.3 && drift.medianDistance > drift.referenceMedian)
        let error = await failure { try moved.requireNoDrift() }
        #expect(error?.code == .unmet && error?.message.hasPrefix("DRIFT") == true)
        #expect(moved.page.contains("Drift of the queries") && moved.page.contains("alarm: yes"))
    }

    @Test(arguments: [(Metric.cosine, Drift.Basis.list), (.innerProduct, .cell)])
    func `other metrics are judged too`(metric: Metric, basis: Drift.Basis) async throws {
        let fixture = try await AnalysisFixture(queries: 400, metric: metric)
        let same = try await report(fixture, queries: strangers(fixture, shift: 0)).drift
        #expect(same?.alarm == false && same?.basis == basis)
        let moved = try await report(fixture, queries: strangers(fixture, shift: 0.5)).drift
        #expect(moved?.alarm == true && moved?.basis == basis)
    }

    @Test func `members taken for strangers are nearer, and that is no drift`() async throws {
        let fixture = try await AnalysisFixture(queries: 400)
        let members = fixture.vectors.gathering(Array(0..<400))
        let path = fixture.folder.path("members.fbin")
        try VectorFileWriter.write(members, to: path)
        let drift = try #require(try await report(fixture, queries: path).drift)
        #expect(drift.alarm == false && drift.medianDistance < drift.referenceMedian)
    }

    @Test func `one query asked again and again is one query`() async throws {
        let fixture = try await AnalysisFixture(queries: 60)
        let one = fixture.strangers.gathering([Int](repeating: 3, count: 200))
        let path = fixture.folder.path("one.fbin")
        try VectorFileWriter.write(one, to: path)
        let measured = try await report(fixture, queries: path)
        #expect(measured.drift?.queries == 1 && measured.drift?.alarm == nil)
        let error = await failure { try measured.requireNoDrift() }
        #expect(error?.code == .unmet && error?.message.contains("too few") == true)
    }

    @Test func `a version without queries says that it has none`() async throws {
        let fixture = try await AnalysisFixture(queries: 0)
        let measured = try await report(fixture, queries: fixture.queriesPath)
        #expect(measured.drift == nil)
        #expect(measured.notes.contains { $0.hasPrefix("drift is not judged") })
        #expect(await failure { try measured.requireNoDrift() }?.code == .unmet)
    }

    @Test func `queries that the version keeps are not live ones`() async throws {
        let fixture = try await AnalysisFixture()
        var plan = fixture.plan()
        plan.curvePoints = 0
        #expect(try await fixture.report(plan).report.drift == nil)
    }
}
