// The usual sequence of commands.
import Foundation
import TestSupport
import Testing
import VectorCore

struct HappyPathTests {
    let place: Workplace

    init() throws {
        place = try Workplace()
    }

    @Test func `train, publish, query, list, inspect, verify, roll back, collect, export`() throws {
        try prepare()
        let train = try place.mustRun(
            "train", ["--vectors", "base.fbin", "--ids", "ids.txt", "--shard-size", "150"])
        #expect(train.lines.last?.contains("next: shardctl publish") == true)
        #expect(try place.mustRun("publish").lines.first == "published version 1 (600 vectors)")
        try checkQuery()
        try checkLooking()
        try place.trainAndPublish("other.fbin", ["--json"])
        #expect(try place.versions() == [1, 2])
        #expect(try hits("q.fbin").first?.first?.hasPrefix("photo") == false)
        try place.mustRun("rollback", ["--to", "1"])
        #expect(try hits("q.fbin").first?.first == "photo-0.jpg")
        #expect(try place.versions() == [1, 2, 3])
        try checkGarbage()
        try checkExport()
    }

    private func prepare() throws {
        let base = Matrix.sample(rows: 600)
        try place.write("base.fbin", base)
        try place.write(
            "q.fbin", Matrix(rows: 5, columns: 16, elements: Array(base.elements.prefix(80))))
        try place.write("other.fbin", Matrix.sample(rows: 300, seed: 2))
        try place.write("ids.txt", lines: (0..<600).map { "photo-\($0).jpg" })
    }

    /// The ids of each query's hits.
    private func hits(_ file: String) throws -> [[String]] {
        try place.mustRun("query", ["--vectors", file, "-k", "3"]).lines.map { try Answer($0).ids }
    }

    private func checkQuery() throws {
        let plain = try place.mustRun("query", ["--vectors", "q.fbin", "-k", "3"])
        #expect(plain.lines.count == 5)
        for (query, line) in plain.lines.enumerated() {
            #expect(line.hasPrefix("{\"query\":\(query),\"hits\":[{\"id\":\"photo-\(query).jpg\","))
            let answer = try Answer(line)
            #expect(answer.query == query && answer.ids.count == 3)
            #expect(answer.distances == answer.distances.sorted())
        }
        let stats = try place.mustRun(
            "query",
            ["--vectors", "q.fbin", "-k", "3", "--output", "hits.jsonl", "--stats", "--explain"])
        #expect(stats.lines.count == 1)
        let numbers = stats.json
        for key in [
            "queries", "load_s", "search_s", "qps", "p50_ms", "p99_ms", "codes_scanned", "rss_mb",
        ] {
            #expect(numbers[key] is NSNumber, "\(key)")
        }
        #expect(numbers["queries"] as? Int == 5)
        let file = try String(
            contentsOf: URL(filePath: place.folder.path("hits.jsonl")), encoding: .utf8)
        let written = file.split(separator: "\n").map(String.init)
        #expect(written.allSatisfy { $0.contains("\"receipt\":{\"shardsOffered\":") })
        #expect(try written.map { try Answer($0).ids } == plain.lines.map { try Answer($0).ids })
        let last = try place.mustRun("query", ["--vectors", "q.fbin", "--stats"])
        #expect(last.lines.count == 6 && last.lines[5].contains("\"qps\":"))
        // The default, then each explicit choice.
        #expect(["all", "codes"].contains(numbers["resident"] as? String))
        for (more, resident) in [
            (["--resident", "codes"], "codes"), (["--resident", "all"], "all"),
            (["--cold"], "none"),
        ] {
            let told = try place.mustRun(
                "query", ["--vectors", "q.fbin", "-k", "3", "--stats"] + more
            ).lines
            #expect(told.dropLast() == plain.lines[...])
            #expect(told.last?.contains("\"resident\":\"\(resident)\"") == true)
        }
    }

    private func checkLooking() throws {
        #expect(try place.mustRun("list").output.contains("version 1 "))
        let all = try Program.run(
            ["list", "--store", "file://\(place.store)"], in: place.folder.url.path)
        #expect(all.output == "photos\n")
        let inspect = try place.mustRun("inspect", ["--shards"])
        #expect(inspect.output.contains("600 x 16 f32, metric l2"))
        #expect(inspect.output.contains("  shard 3  "))
        let found = try place.mustRun("inspect", ["--id", "photo-77.jpg", "--json"]).json
        #expect(found["shard"] is Int && found["row"] is Int)
        #expect(try place.mustRun("inspect", ["--json"]).json["version"] as? Int == 1)
        #expect(try place.mustRun("verify").output.hasSuffix("all sound\n"))
        #expect(try place.mustRun("verify", ["--json"]).json["problems"] as? [String] == [])
    }

    private func checkGarbage() throws {
        try place.mustRun("train", ["--vectors", "other.fbin", "--seed", "9", "--json"])
        let before = try place.snapshot()
        let rehearsal = try place.mustRun("gc", ["--grace-hours", "0"])
        #expect(rehearsal.output.contains("nothing was changed; give --apply to do it"))
        #expect(try place.snapshot() == before)
        let gone = try place.mustRun(
            "gc", ["--grace-hours", "0", "--keep", "1", "--apply", "--json"]
        ).json
        #expect(gone["applied"] as? Bool == true)
        #expect(gone["collectedVersions"] as? [Int] == [1, 2])
        #expect((gone["expiredDrafts"] as? [String])?.count == 1)
        #expect(
            try Set(place.storedKeys().filter { $0.hasSuffix(".tsr") })
                == place.keys(ofVersion: 3))
        #expect(try hits("q.fbin").first?.first == "photo-0.jpg")
        let collected = try place.run("query", ["--vectors", "q.fbin", "--at", "1"])
        expectComplaint(collected, status: 66, says: ["version 1", "collected", "has version 3"])
    }

    private func checkExport() throws {
        let done = try place.mustRun("export", ["--format", "faiss", "--output", "out/faiss"])
        #expect(done.output.hasPrefix("wrote "))
        let names = try FileManager.default.contentsOfDirectory(
            atPath: place.folder.path("out/faiss"))
        #expect(names.contains("shard-0.faiss") && names.contains("shard-0.ids.tsv"))
        let index = try Data(
            contentsOf: URL(filePath: place.folder.path("out/faiss/shard-0.faiss")))
        // Faiss's four letters for an IndexIVFPQ.
        #expect(index.prefix(4) == Data("IwPQ".utf8))
    }

    @Test(arguments: InputFormat.allCases)
    func `every format trains and answers, and row numbers are the ids`(_ format: InputFormat)
        throws
    {
        let base = Matrix.sample(rows: 200)
        try place.write("base.\(format.suffix)", base, as: format)
        try place.trainAndPublish("base.\(format.suffix)", ["--metric", "l2"])
        let answers = try place.mustRun(
            "query", ["--vectors", "base.\(format.suffix)", "-k", "1"])
        #expect(try answers.lines.map { try Answer($0).ids.first } == (0..<200).map(String.init))
    }

    @Test func `--on-duplicate last: the later vector has the id`() throws {
        try place.write("base.fbin", Matrix.sample(rows: 200))
        var ids = (0..<200).map { "id-\($0)" }
        ids[150] = "id-3"
        try place.write("ids.txt", lines: ids)
        try place.trainAndPublish("base.fbin", ["--ids", "ids.txt", "--on-duplicate", "last"])
        let answers = try place.mustRun("query", ["--vectors", "base.fbin", "-k", "1"]).lines
        #expect(try Answer(answers[150]).ids == ["id-3"])
        #expect(try Answer(answers[3]).ids != ["id-3"])
        #expect(try place.mustRun("inspect", ["--json"]).output.contains("\"vectors\" : 199"))
    }

    @Test func `ids that JSON has to escape come back as they were`() throws {
        let ids = ["a \"quoted\" id", "back\\slash", "ünïcödé 🙂", "{}", "a/b?c=d&e"]
        try place.write("base.fbin", Matrix.sample(rows: 5))
        try place.write("ids.txt", lines: ids)
        try place.trainAndPublish("base.fbin", ["--ids", "ids.txt"])
        let answers = try place.mustRun("query", ["--vectors", "base.fbin", "-k", "1"]).lines
        #expect(try answers.flatMap { try Answer($0).ids } == ids)
    }

    @Test func `the same input and seed give the same index at any number of threads`() throws {
        try place.write("base.fbin", Matrix.sample(rows: 3000))
        var seen: [String] = []
        for threads in ["1", "2", "7"] {
            try place.trainAndPublish("base.fbin", ["--shard-size", "300", "--threads", threads])
            let index = try place.mustRun("inspect", ["--json"]).json["index"] ?? [:]
            let bytes = try JSONSerialization.data(withJSONObject: index, options: .sortedKeys)
            seen.append(String(decoding: bytes, as: UTF8.self))
        }
        #expect(Set(seen).count == 1)
        #expect(seen[0].contains("digest"))
    }

    @Test func `what another backend trained is published and searched without it`() throws {
        try place.write("base.fbin", Matrix.sample(rows: 200))
        let train = try place.mustRun(
            "train", ["--vectors", "base.fbin", "--backend", "mock", "--json"])
        let draft = try #require(train.json["draft"] as? String)
        let url = URL(filePath: place.store + "/photos/drafts/\(draft).json")
        let text = try String(contentsOf: url, encoding: .utf8)
        let foreign = text.replacing(/"mock"/, with: "\"faiss\"")
        #expect(foreign != text)
        try Data(foreign.utf8).write(to: url)
        try place.mustRun("publish")
        #expect(try place.mustRun("inspect").output.contains("backend    faiss"))
        #expect(try place.mustRun("query", ["--vectors", "base.fbin"]).lines.count == 200)
        try place.mustRun("export", ["--output", "out"])
    }
}

/// A line of query's answer, parsed.
struct Answer {
    let query: Int
    let ids: [String]
    let distances: [Double]

    init(_ line: String) throws {
        let value = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        let hits = value?["hits"] as? [[String: Any]] ?? []
        query = value?["query"] as? Int ?? -1
        ids = hits.compactMap { $0["id"] as? String }
        distances = hits.compactMap { $0["distance"] as? Double }
    }
}
