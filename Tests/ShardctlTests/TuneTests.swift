// Recall as an option: publish and tune measure it, query picks settings by it.
import Foundation
import TestSupport
import Testing
import VectorCore

struct TuneTests {
    let place: Workplace

    init() throws {
        place = try Workplace()
        let all = RandomVectors.clustered(rows: 3200, columns: 16, clusters: 12, seed: 2)
        try place.write("base.fbin", all.gathering(Array(0..<3000)))
        try place.write("real.fbin", all.gathering(Array(3000..<3200)))
    }

    private func points(_ command: String = "inspect", _ more: [String] = []) throws
        -> [[String: Any]]
    {
        let answer = try place.mustRun(command, ["--json"] + more).json
        let index = answer["index"] as? [String: Any] ?? answer
        return (index["operatingPoints"] ?? index["points"]) as? [[String: Any]] ?? []
    }

    @Test func `publish measures, and query --recall reaches what it promises on real queries`()
        throws
    {
        try place.mustRun("train", ["--vectors", "base.fbin", "--shard-size", "700"])
        let publish = try place.mustRun("publish")
        #expect(publish.lines.count == 3 && publish.output.contains("query --recall picks one"))
        let (base, real) = try (Self.matrix(place, "base.fbin"), Self.matrix(place, "real.fbin"))
        let truth = ExactSearch.nearest(real, in: base, k: 10, metric: .l2)
        var costs: [Double] = []
        for wanted in [0.7, 0.9, 0.97] {
            let answer = try place.mustRun(
                "query", ["--vectors", "real.fbin", "--recall", "\(wanted)"])
            let found = try answer.lines.map { try Answer($0).ids.map { Int($0) ?? -1 } }
            // Four standard errors of 200 queries and of the 500 drawn, and the bias of drawn
            // queries.
            #expect(ExactSearch.recall(found, truth) > wanted - 0.05, "\(wanted)")
            let stats = try place.mustRun(
                "query",
                [
                    "--vectors", "real.fbin", "--recall", "\(wanted)", "--stats", "--output",
                    "/dev/null",
                ])
            costs.append(stats.json["codes_scanned"] as? Double ?? 0)
        }
        #expect(costs == costs.sorted() && costs[0] < costs[2])
    }

    @Test func `tune gives a version its points as a new version, once`() throws {
        try place.mustRun("train", ["--vectors", "base.fbin"])
        #expect(try place.mustRun("publish", ["--no-tune"]).lines.count == 1)
        #expect(try points().isEmpty)
        let refused = try place.run("query", ["--vectors", "real.fbin", "--recall", "0.9"])
        expectComplaint(refused, status: 66, says: ["run shardctl tune --index photos"])
        let shown = try place.mustRun("tune", ["--dry-run"])
        #expect(shown.lines.first?.contains("recall@10") == true)
        #expect(try place.versions() == [1])
        let tuned = try place.mustRun("tune", ["--json"]).json
        #expect(tuned["version"] as? Int == 2 && tuned["sampled"] as? Bool == true)
        #expect(try points().count == (tuned["points"] as? [Any])?.count)
        #expect(try place.mustRun("list").output.contains("tune of 1"))
        #expect(try place.keys(ofVersion: 1) == place.keys(ofVersion: 2))
        let again = try place.mustRun("tune")
        #expect(again.lines.last == "version 2 has these points already")
        #expect(try place.versions() == [1, 2])
        try place.mustRun("verify")
    }

    @Test func `real queries, given to train or to tune`() throws {
        try place.mustRun(
            "train", ["--vectors", "base.fbin", "--queries", "real.fbin", "--tune-queries", "150"])
        try place.mustRun("publish")
        #expect(try place.mustRun("inspect").output.contains("queries    150 given"))
        try place.mustRun(
            "train", ["--vectors", "base.fbin", "--tune-queries", "0", "--refine", "sq8"])
        #expect(try place.mustRun("publish").lines.count == 1)
        let before = try points("tune", ["--dry-run", "--queries", "real.fbin"])
        let tuned = try place.mustRun("tune", ["--queries", "real.fbin"])
        #expect(tuned.output.contains("recall by 200 queries of a file"))
        #expect(tuned.output.contains("those of the refine tier, which rounds"))
        #expect(
            try points().map { $0["recall"] as? Double } == before.map { $0["recall"] as? Double })
        try place.mustRun("verify")
    }

    @Test func `a draft is tuned in place, an old index without queries from its refine tier`()
        throws
    {
        let train = try place.mustRun(
            "train", ["--vectors", "base.fbin", "--tune-queries", "0", "--json"])
        let draft = try #require(train.json["draft"] as? String)
        let tuned = try place.mustRun(
            "tune", ["--draft", draft, "--tune-queries", "100", "--json"])
        let new = try #require(tuned.json["draft"] as? String)
        #expect(new != draft && tuned.json["queries"] as? Int == 100)
        let drafts = try place.mustRun("list", ["--json"]).json["drafts"] as? [String]
        #expect(drafts == [new])
        try place.mustRun("publish")
        #expect(try points().isEmpty == false)
        try place.mustRun("query", ["--vectors", "real.fbin", "--recall", "0.5", "-k", "3"])
    }

    @Test(
        arguments: [
            ("query", ["--recall", "1.5"], 65, "--recall 1.5 is out of range"),
            ("query", ["--recall", "0"], 65, "out of range"),
            ("query", ["--recall", "nan"], 65, "out of range"),
            ("query", ["--recall", "0.9", "--nprobe", "3"], 65, "leave out --nprobe"),
            ("query", ["--recall", "0.9", "--refine", "30"], 65, "leave out --refine"),
            ("query", ["--recall", "0.9", "-k", "11"], 65, "measured for 10 results"),
            ("tune", ["--draft", "x1"], 66, "'x1'"),
            ("tune", ["--queries", "none.fbin"], 66, "none.fbin"),
            ("tune", ["--queries", "wide.fbin"], 65, "17 dimensions"),
            ("tune", ["--tune-queries", "0"], 65, "give 1 to 10000"),
            ("train", ["--tune-queries", "-1"], 65, "--tune-queries -1"),
            ("train", ["--queries", "wide.fbin"], 65, "17 dimensions"),
        ] as [(String, [String], Int32, String)])
    func `what cannot be asked for is refused in one line`(
        _ command: String, _ more: [String], _ status: Int32, _ says: String
    ) throws {
        try place.write("small.fbin", Matrix.sample(rows: 240))
        try place.write("wide.fbin", Matrix.sample(rows: 5, columns: 17))
        try place.trainAndPublish("small.fbin", tune: true)
        let before = try place.snapshot()
        let vectors = command == "tune" ? [] : ["--vectors", "small.fbin"]
        expectComplaint(
            try place.run(command, vectors + more), status: status, says: [says])
        #expect(try place.snapshot() == before)
    }

    @Test func `a recall that no point reaches names the best there is`() throws {
        // 2-byte codes and no refine tier: recall is far below 1.
        try place.trainAndPublish(
            "base.fbin", ["--refine", "none", "--code-size", "2"], tune: true)
        let outcome = try place.run("query", ["--vectors", "real.fbin", "--recall", "0.9999"])
        expectComplaint(
            outcome, status: 66, says: ["reaches recall 0.9999", "the best is 0.", "--nprobe"])
    }

    private static func matrix(_ place: Workplace, _ name: String) throws -> Matrix {
        let file = try VectorFile.open(path: place.folder.path(name))
        return try file.read(rows: 0..<file.rows)
    }
}
