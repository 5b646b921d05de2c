// The bound on recall that a version is held to, and the certificate that says what was measured.
import Catalog
import Foundation
import ObjectStore
import TesseraBase
import Testing

struct RecallGateTests {
    static func certificate(
        _ index: IndexDescription, recall: Double = 0.97, low: Double = 0.95, k: Int = 10
    ) -> RecallCertificate {
        RecallCertificate(
            k: k, recall: recall, standardError: 0.005, low: low, high: 0.985, confidence: 0.95,
            queries: index.queries?.count ?? 0,
            queryDigest: index.queries?.digest ?? index.router.digest, nprobe: 8, refineDepth: 100,
            probeShards: 2)
    }

    @Test(arguments: [(0.95, true), (0.9501, false), (0.5, true), (0.98, false), (0.99, false)])
    func `the lower end of the interval is judged, not the mean`(minimum: Double, holds: Bool)
        async throws
    {
        let index = try await Bench().measured()
        let gate = try RecallGate(minimum: minimum, k: 10)
        let error = await failure { _ = try gate.judged(Self.certificate(index), index: "photos") }
        #expect((error == nil) == holds)
        guard let error else { return }
        #expect(error.code == .unmet)
        for part in ["nothing was published", "0.97", "0.95 and 0.985", "\(minimum)", "--override"]
        {
            #expect(error.message.contains(part), "\(error.message)")
        }
    }

    @Test func `a reason is kept only where it is needed`() async throws {
        let index = try await Bench().measured()
        let certificate = Self.certificate(index)
        let needed = try RecallGate(minimum: 0.99, k: 10, overrideReason: "a demonstration")
        #expect(try needed.judged(certificate, index: "photos") == needed)
        #expect(try needed.judged(nil, index: "photos") == needed)
        let idle = try RecallGate(minimum: 0.9, k: 10, overrideReason: "a demonstration")
        #expect(try idle.judged(certificate, index: "photos").overrideReason == nil)
        // Measured for other neighbours, it says nothing about these.
        let other = try RecallGate(minimum: 0.1, k: 1)
        #expect(await failure { _ = try other.judged(certificate, index: "p") }?.code == .unmet)
        let unmeasured = await failure { _ = try other.judged(nil, index: "photos") }
        #expect(unmeasured?.message.contains("keeps no queries") == true)
    }

    @Test(arguments: [
        (0, "x"), (-0.1, "x"), (1.01, "x"), (.nan, "x"), (0.5, ""), (0.5, " \n"),
        (0.5, String(repeating: "x", count: 1001)),
    ])
    func `what is no bound or no reason is refused`(minimum: Double, reason: String) async {
        let error = await failure {
            _ = try RecallGate(minimum: minimum, k: 10, overrideReason: reason)
        }
        #expect(error?.code == .invalidArgument)
    }

    @Test func `a rollback keeps the certificate and not the bound`() async throws {
        let bench = try Bench()
        let index = try await bench.measured()
        _ = try await bench.catalog.saveDraft(index)
        let gate = try RecallGate(minimum: 0.9, k: 10)
        let first = try await bench.catalog.publish(progress: { _ in }) {
            draft async throws(TesseraError) in
            MeasuredDraft(
                certificate: Self.certificate(draft.index),
                gate: try gate.judged(Self.certificate(draft.index), index: "photos"))
        }.manifest
        #expect(first.recallGate == gate && first.certificate == Self.certificate(index))
        #expect(try await bench.catalog.latest() == first)
        _ = try await bench.publish("two")
        let back = try await bench.catalog.rollback(to: 1)
        #expect(back.certificate == first.certificate && back.recallGate == nil)
    }

    @Test(arguments: [
        ("\"low\" : 0.9789", "\"low\" : 0.9862", "no possible recall"),
        ("\"high\" : 0.9899", "\"high\" : 1.1", "no possible recall"),
        ("\"k\" : 10,\n    \"low\"", "\"k\" : 11,\n    \"low\"", "not measured by the queries"),
        ("\"queryDigest\" : \"0", "\"queryDigest\" : \"1", "not measured by the queries"),
        ("\"queries\" : 500", "\"queries\" : 499", "not measured by the queries"),
        ("\"overrideReason\" : \"", "\"reason\" : \"", "has no overrideReason"),
        ("\"minimum\" : 0.99", "\"minimum\" : 0", "no possible bound"),
        (
            "the old codes are damaged, and this is what there is", " ",
            "overrideReason is empty"
        ),
    ])
    func `a promise that cannot be is corrupted`(old: String, new: String, reason: String)
        async throws
    {
        let text = String(
            decoding: try DocumentTests.golden("manifest-certified.v1.json"), as: UTF8.self)
        let place = try #require(text.range(of: old))
        let bytes = Array(text.replacingCharacters(in: place, with: new).utf8)
        let error = await failure { _ = try Manifest(decoding: bytes, object: "versions/x") }
        #expect(error?.code == .corrupted)
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
    }
}
