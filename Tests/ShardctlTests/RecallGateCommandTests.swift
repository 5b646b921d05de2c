// publish --min-recall: a version below its bound never becomes visible.
import Foundation
import TestSupport
import Testing
import VectorCore

struct RecallGateCommandTests {
    let place: Workplace

    init() throws {
        place = try Workplace()
        try place.write(
            "base.fbin", RandomVectors.clustered(rows: 1500, columns: 16, clusters: 12, seed: 2))
    }

    private func manifest() throws -> [String: Any] {
        try place.mustRun("inspect", ["--json"]).json
    }

    @Test
    func `a bound that holds is in the manifest with what was measured, and a rollback keeps that`()
        throws
    {
        try place.mustRun("train", ["--vectors", "base.fbin", "--tune-queries", "200"])
        let publish = try place.mustRun("publish", ["--min-recall", "0.9", "--at", "recall@1"])
        #expect(publish.output.contains("at least 0.9 was asked for"))
        let manifest = try manifest()
        let certificate = try #require(manifest["certificate"] as? [String: Any])
        let gate = try #require(manifest["recallGate"] as? [String: Any])
        let index = try #require(manifest["index"] as? [String: Any])
        let queries = try #require(index["queries"] as? [String: Any])
        #expect(certificate["k"] as? Int == 1 && gate["k"] as? Int == 1)
        #expect(gate["minimum"] as? Double == 0.9 && gate["overrideReason"] == nil)
        #expect(certificate["queryDigest"] as? String == queries["digest"] as? String)
        #expect((certificate["low"] as? Double ?? 0) >= 0.9)
        #expect((index["operatingPoints"] as? [Any])?.isEmpty == false)
        #expect(try place.mustRun("inspect").output.contains("certified  recall@1"))
        try place.mustRun("train", ["--vectors", "base.fbin", "--tune-queries", "0"])
        try place.mustRun("publish")
        #expect(try self.manifest()["certificate"] == nil)
        try place.mustRun("rollback", ["--to", "1"])
        #expect(try self.manifest()["certificate"] as? NSDictionary == certificate as NSDictionary)
        try place.mustRun("verify")
    }

    @Test
    func `below the bound nothing changes in the store, and the reason to publish anyway is kept`()
        throws
    {
        // 2-byte codes and no refine tier: recall is far below 1.
        try place.mustRun(
            "train",
            [
                "--vectors", "base.fbin", "--tune-queries", "100", "--refine", "none",
                "--code-size", "2",
            ])
        let before = try place.snapshot()
        let refused = try place.run("publish", ["--min-recall", "0.95"])
        expectComplaint(
            refused, status: 79,
            says: [
                "nothing was published", "recall@10 of index 'photos' is 0.", "by 100 queries",
                "below 0.95", "--code-size", "--override-recall REASON",
            ])
        #expect(try place.snapshot() == before)
        #expect(try place.versions().isEmpty)
        let reason = "a first look at the pipeline"
        let published = try place.mustRun(
            "publish", ["--min-recall", "0.95", "--override-recall", reason, "--no-tune"])
        #expect(published.output.contains("below 0.95, published all the same: \(reason)"))
        let manifest = try manifest()
        let gate = try #require(manifest["recallGate"] as? [String: Any])
        #expect(gate["overrideReason"] as? String == reason)
        #expect((manifest["index"] as? [String: Any])?["operatingPoints"] == nil)
    }

    @Test func `without queries the recall is unknown, and the message says so`() throws {
        try place.mustRun("train", ["--vectors", "base.fbin", "--tune-queries", "0"])
        let before = try place.snapshot()
        expectComplaint(
            try place.run("publish", ["--min-recall", "0.5"]), status: 79,
            says: ["keeps no queries", "tune --draft"])
        #expect(try place.snapshot() == before)
    }

    @Test(
        arguments: [
            (["--min-recall", "1.5"], "--min-recall 1.5"), (["--min-recall", "0"], "out of range"),
            (["--at", "recall@10"], "--at needs --min-recall"),
            (["--override-recall", "why not"], "--override-recall needs --min-recall"),
            (["--min-recall", "0.9", "--at", "precision@3"], "precision@3"),
            (["--min-recall", "0.9", "--at", "recall@0"], "recall@0"),
            (["--min-recall", "0.9", "--override-recall", " "], "wants a reason"),
        ] as [([String], String)])
    func `what is no bound is refused before anything is read`(_ more: [String], _ says: String)
        throws
    {
        expectComplaint(try place.run("publish", more), status: 65, says: [says])
    }

    @Test func `neighbours that the truth does not have cannot be bounded`() throws {
        try place.mustRun("train", ["--vectors", "base.fbin", "--tune-queries", "50"])
        expectComplaint(
            try place.run("publish", ["--min-recall", "0.9", "--at", "recall@11"]), status: 65,
            says: ["recall@11", "keep their 10 nearest"])
        #expect(try place.versions().isEmpty)
    }
}
