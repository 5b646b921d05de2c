// Choosing among operating points, and what the catalog does with them.
import Catalog
import Foundation
import ObjectStore
import TesseraBase
import Testing

struct OperatingPointTests {
    static func point(_ recall: Double, codes: Double, rows: Double = 0) -> OperatingPoint {
        OperatingPoint(
            nprobe: 1, refineDepth: 10, recall: recall, standardError: 0.01, codesScanned: codes,
            rowsRefined: rows)
    }

    @Test(
        arguments: [
            ("nothing", [], []),
            ("one", [point(0.5, codes: 10)], [0]),
            ("dearer and better stays", [point(0.9, codes: 20), point(0.5, codes: 10)], [1, 0]),
            ("dearer and no better goes", [point(0.5, codes: 10), point(0.5, codes: 20)], [0]),
            ("same cost, the better stays", [point(0.5, codes: 10), point(0.6, codes: 10)], [1]),
            (
                "a row costs as much as 64 codes",
                [point(0.6, codes: 0, rows: 1), point(0.5, codes: 63), point(0.6, codes: 65)],
                [1, 0]
            ),
        ] as [(String, [OperatingPoint], [Int])])
    func `the front holds what nothing cheaper matches`(
        name: String, points: [OperatingPoint], kept: [Int]
    ) {
        #expect(OperatingPoint.front(of: points) == kept.map { points[$0] }, "\(name)")
        #expect(OperatingPoint.front(of: points.reversed()) == kept.map { points[$0] }, "\(name)")
    }

    @Test(arguments: [(0.1, 0), (0.5, 0), (0.500001, 1), (0.9, 1), (0.99, 2)])
    func `the cheapest point that reaches a recall is chosen`(recall: Double, place: Int)
        async throws
    {
        let index = try await Bench().measured()
        #expect(try index.operatingPoint(recall: recall) == index.operatingPoints?[place])
    }

    @Test(arguments: [
        (0.9901, ErrorCode.notFound, "the best is 0.99 with --nprobe 1 --refine 10"),
        (1.5, .invalidArgument, "out of range"), (0, .invalidArgument, "out of range"),
        (-1, .invalidArgument, "out of range"), (.nan, .invalidArgument, "out of range"),
    ])
    func `a recall that cannot be had is refused with what can`(
        recall: Double, code: ErrorCode, reason: String
    ) async throws {
        let index = try await Bench().measured()
        let error = await failure { _ = try index.operatingPoint(recall: recall) }
        #expect(error?.code == code)
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
    }

    @Test func `an index that was not measured names the mend`() async throws {
        let index = try await Bench().catalog.store("one")
        let error = await failure { _ = try index.operatingPoint(recall: 0.9) }
        #expect(error?.code == .notFound)
        #expect(error?.message.contains("shardctl tune --index photos") == true)
    }

    @Test(arguments: [
        ("\"recall\" : 0.9125", "\"recall\" : 0.9862", "operating point 1 has no possible recall"),
        ("\"recall\" : 0.9861", "\"recall\" : 1.5", "operating point 1 has no possible recall"),
        (
            "\"nprobe\" : 32,\n        \"recall\"", "\"nprobe\" : 447,\n        \"recall\"",
            "point 1 has nprobe or refineDepth"
        ),
        (
            "\"refineDepth\" : 40", "\"refineDepth\" : 9",
            "operating point 0 has nprobe or refineDepth"
        ),
        ("\"count\" : 500", "\"count\" : 0", "queries.count is 0"),
        ("\"tuneOf\" : 3", "\"tuneOf\" : 4", "not a version before 4"),
        ("\"source\" : \"sample\"", "\"source\" : \"guess\"", "not the JSON"),
    ])
    func `points that cannot be are corrupted`(old: String, new: String, reason: String)
        async throws
    {
        let text = String(
            decoding: try DocumentTests.golden("manifest-tuned.v1.json"), as: UTF8.self)
        let place = try #require(text.range(of: old))
        let bytes = Array(text.replacingCharacters(in: place, with: new).utf8)
        let error = await failure { _ = try Manifest(decoding: bytes, object: "x") }
        #expect(error?.code == .corrupted)
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
    }

    @Test func `publish measures what is complete, and a measured draft keeps its points`()
        async throws
    {
        let bench = try Bench()
        let index = try await bench.measured()
        let points = [Self.point(0.7, codes: 5)]
        var plain = index
        plain.operatingPoints = nil
        let unmeasured = try await bench.catalog.saveDraft(plain)
        let first = try await bench.catalog.publish(progress: { _ in }) {
            draft async throws(TesseraError) in
            #expect(draft == unmeasured)
            return MeasuredDraft(operatingPoints: points)
        }
        #expect(first.manifest.index.operatingPoints == points)
        _ = try await bench.catalog.saveDraft(index)
        let second = try await bench.catalog.publish(progress: { _ in }) {
            _ async throws(TesseraError) in
            MeasuredDraft(operatingPoints: [Self.point(0.6, codes: 4)])
        }
        #expect(second.manifest.index.operatingPoints == index.operatingPoints)
    }

    @Test func `a publish that cannot measure publishes nothing`() async throws {
        let bench = try Bench()
        let draft = try await bench.catalog.train("one")
        let error = await failure {
            _ = try await bench.catalog.publish(progress: { _ in }) {
                _ async throws(TesseraError) in
                throw TesseraError(.unavailable, "no room")
            }
        }
        #expect(error?.message == "no room")
        #expect(try await bench.catalog.latestVersionNumber() == nil)
        #expect(try await bench.catalog.drafts() == [draft])
        #expect(try await bench.keys("claims/").isEmpty)
    }

    @Test func `a version measured anew is published on top of that version or not at all`()
        async throws
    {
        let bench = try Bench()
        let first = try await bench.publish("one")
        let early = try await bench.catalog.saveDraft(bench.measured(), tuneOf: 1)
        let late = try await bench.catalog.saveDraft(first.index, tuneOf: 1)
        let second = try await bench.catalog.publish(draftID: early.id).manifest
        #expect(second.version == 2 && second.tuneOf == 1 && second.kind == .publish)
        let error = await failure { _ = try await bench.catalog.publish(draftID: late.id) }
        #expect(error?.code == .conflict)
        #expect(error?.message.contains("version 2 was published since; run tune again") == true)
        #expect(try await bench.catalog.latest() == second)
    }

    @Test func `a replaced draft keeps what it was made from`() async throws {
        let bench = try Bench()
        let old = try await bench.catalog.train("one")
        let new = try await bench.catalog.replaceDraft(old, with: bench.measured())
        #expect(try await bench.catalog.drafts() == [new])
        #expect(new.index.operatingPoints?.count == 3)
    }

    @Test func `queries live as long as a version that names them, and are verified`() async throws
    {
        let bench = try Bench()
        _ = try await bench.catalog.saveDraft(bench.measured())
        _ = try await bench.catalog.publish()
        let key = try #require(try await bench.keys("queries/").first)
        bench.clock.advance(hours: 100)
        #expect(try await bench.catalog.collectGarbage(apply: true).objects.isEmpty)
        #expect(try await bench.keys("queries/") == [key])
        let report = try await bench.catalog.verify(1)
        #expect(report.isSound && report.objects == 5)
        try await bench.catalog.store.put(key, Array("Queries".utf8))
        #expect(try await bench.catalog.verify(1).problems.map(\.kind) == [.wrongDigest])
        _ = try await bench.publish("two")
        bench.clock.advance(hours: 100)
        let swept = try await bench.catalog.collectGarbage(keep: 1, apply: true)
        #expect(swept.objects.map(\.key).contains(key))
        #expect(try await bench.keys("queries/").isEmpty)
    }
}
