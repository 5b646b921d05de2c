// analyze-performance and shardctl diff as processes.
import Foundation
import Glibc
import TestSupport
import Testing
import VectorCore

struct AnalyzeCommandTests {
    static let program = URL(filePath: Program.shardctl)
        .deletingLastPathComponent().appending(path: "analyze-performance").path
    static let quick = ["--load-seconds", "0.02", "--cold-queries", "2", "--curve-points", "2"]

    let place: Workplace

    init() throws {
        place = try Workplace()
        let all = RandomVectors.clustered(rows: 1250, columns: 16, clusters: 12, seed: 2)
        try place.write("base.fbin", all.gathering(Array(0..<1200)))
        try place.write("real.fbin", all.gathering(Array(1200..<1250)))
        try place.mustRun("train", ["--vectors", "base.fbin", "--shard-size", "400"])
        try place.mustRun("publish", ["--no-tune"])
    }

    private func start(_ arguments: [String]) throws -> Program {
        try Program(
            Self.program, arguments + place.target, in: place.folder.url.path,
            environment: ["XDG_CACHE_HOME": place.folder.path("cache")])
    }

    private func run(_ arguments: [String]) throws -> Outcome { try start(arguments).wait() }

    private func expectFailure(_ outcome: Outcome, _ status: Int32, _ says: String) {
        #expect(outcome.status == status, "\(outcome.errors)")
        #expect(outcome.errors.contains(says), "\(outcome.errors)")
        #expect(outcome.errors.hasPrefix("analyze-performance: error: "))
        #expect(outcome.errors.count { $0 == "\n" } == 1)
    }

    @Test func `a report in words, in JSON and as a page`() throws {
        let words = try run(Self.quick)
        #expect(words.status == 0 && words.errors.isEmpty, "\(words.errors)")
        #expect(words.output.contains("Recall against exact search"))
        let json = try run(
            Self.quick + [
                "--json", "--html", "page.html", "--vectors", "base.fbin", "--queries", "real.fbin",
            ]
        ).json
        #expect(json["complete"] as? Bool == true)
        #expect((json["recall"] as? [[String: Any]])?.count == 3)
        let page = try String(contentsOfFile: place.folder.path("page.html"), encoding: .utf8)
        #expect(page.hasPrefix("<!DOCTYPE html>") && page.hasSuffix("</html>\n"))
        let kept = try FileManager.default.contentsOfDirectory(
            atPath: place.folder.path("cache/tessera/truth"))
        #expect(kept.count == 1)
        let again = try run(
            Self.quick + ["--json", "--vectors", "base.fbin", "--queries", "real.fbin"])
        #expect((again.json["truth"] as? [String: Any])?["cached"] as? Bool == true)
    }

    @Test func `prices are printed to be edited and given back`() throws {
        let prices = try Program(Self.program, ["prices"], in: place.folder.url.path).wait()
        #expect(prices.status == 0)
        let text = prices.output.replacingOccurrences(
            of: "\"machineHour\" : 0.085", with: "\"machineHour\" : 85")
        _ = try place.folder.write("prices.json", Data(text.utf8))
        let costs = try run(Self.quick + ["--prices", "prices.json", "--json"]).json["costs"]
        let month = (costs as? [String: Any])?["machineMonth"] as? Double
        #expect(month == 62_050.0)
    }

    @Test(
        arguments: [
            (["--at", "9"], 66, "9"), (["--queries", "wide.fbin"], 65, "17 dimensions"),
            (["--max-queries", "0"], 65, "at least one query"),
            (["--queries", "no.fbin"], 66, "no.fbin"),
            (["--vectors", "real.fbin"], 65, "give the file it was trained on"),
            (["--nprobe", "0"], 65, "--nprobe 0"),
            (["--html", "no/page.html"], 66, "make it first"),
            (["--prices", "no.json"], 66, "prices prints one"),
            (["compare", "1", "2"], 66, "2"), (["compare", "1", "1", "-k", "0"], 65, "-k 0"),
        ] as [([String], Int32, String)])
    func `what cannot be measured is one line and an exit code`(
        _ more: [String], _ status: Int32, _ says: String
    ) throws {
        try place.write("wide.fbin", Matrix.sample(rows: 5, columns: 17))
        let outcome = try run(more)
        #expect(outcome.status == status, "\(outcome.errors)")
        #expect(outcome.errors.contains(says), "\(outcome.errors)")
        #expect(outcome.errors.hasPrefix("analyze-performance: error: "))
        #expect(outcome.errors.count { $0 == "\n" } == 1)
    }

    @Test func `interrupted, it writes what it has and says that it is partial`() throws {
        let running = try start([
            "--load-seconds", "600", "--vectors", "base.fbin", "--json", "--html", "page.html",
        ])
        // Exact neighbours are cached before the loads begin, which would take twenty minutes.
        let truth = place.folder.path("cache/tessera/truth")
        while (try? FileManager.default.contentsOfDirectory(atPath: truth))?.isEmpty ?? true {
            usleep(20_000)
        }
        running.send(SIGINT)
        let outcome = running.wait()
        expectFailure(outcome, 130, "interrupted")
        let report = outcome.json
        #expect(report["complete"] as? Bool == false)
        #expect(report["stoppedBy"] as? String == "the run was interrupted")
        let page = try String(contentsOfFile: place.folder.path("page.html"), encoding: .utf8)
        #expect(page.contains("<strong>Partial.</strong>"))
    }

    @Test func `compare and diff end with 79 where the second version finds less`() throws {
        try place.mustRun(
            "train",
            [
                "--vectors", "base.fbin", "--shard-size", "400", "--refine", "none", "--code-size",
                "2",
            ])
        try place.mustRun("publish", ["--no-tune"])
        let diff = try place.run("diff", ["1", "2"])
        #expect(diff.status == 79 && diff.errors.contains("recall@10 falls from"))
        #expect(diff.output.contains("overlap@10"))
        try place.mustRun("diff", ["2", "1"])
        try place.mustRun("diff", ["1", "2", "--tolerate-recall", "1"])
        let compared = try run(["compare", "1", "2", "--json"])
        expectFailure(compared, 79, "B is worse than A")
        #expect((compared.json["recall"] as? [String: Any])?["queriesWorse"] as? Int ?? 0 > 0)
        #expect(try run(["compare", "1", "1", "--min-overlap", "1"]).status == 0)
    }

    @Test func `a question about an index that is not there yet, without a command`() throws {
        try place.write(
            "many.fbin", RandomVectors.clustered(rows: 4600, columns: 16, clusters: 12, seed: 2))
        let asked = try Program(
            Self.program,
            [
                "--what-if", "vectors=2e4,recall=0.8", "--vectors", "many.fbin", "--shard-size",
                "400",
                "--max-queries", "50", "--memory-megabytes", "8", "--json", "--html", "plan.html",
            ], in: place.folder.url.path, environment: [:]
        ).wait()
        #expect(asked.status == 0 && asked.errors.isEmpty, "\(asked.errors)")
        let plan = try #require((asked.json["plans"] as? [[String: Any]])?.first)
        #expect((plan["recall"] as? Double ?? 0) >= 0.8)
        #expect((asked.json["heldOut"] as? [[String: Any]])?.isEmpty == false)
        let page = try String(contentsOfFile: place.folder.path("plan.html"), encoding: .utf8)
        #expect(page.contains("Prediction error") && page.hasSuffix("</html>\n"))
        expectFailure(try run(["--what-if=vectors=1e6,cash=3"]), 65, "'cash=3'")
        expectFailure(try run(["--what-if", "vectors=1e6"]), 65, "too little")
    }
}
