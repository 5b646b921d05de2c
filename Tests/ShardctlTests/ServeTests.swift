// serve as a process: it prints its address, answers what query answers, and ends on a signal.
import Foundation
import Glibc
import HTTPClient
import ObjectStore
import TesseraBase
import TestSupport
import Testing
import VectorCore

struct ServeTests {
    private let place: Workplace

    init() throws {
        place = try Workplace()
    }

    /// Waits for the address that the program prints, by polling the file.
    private func address(_ output: String) async throws -> String {
        for _ in 0..<3000 {
            let text = try String(contentsOfFile: output, encoding: .utf8)
            if text.hasSuffix("\n"), let line = text.split(separator: "\n").first {
                return String(line.dropFirst("serving ".count))
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw SpawnFailure(description: "the server does not say where it is")
    }

    private func ask(
        _ method: HTTPMethod, _ url: String, _ body: String? = nil
    ) async throws -> HTTPResponse {
        try await HTTPClient.shared.send(
            HTTPRequest(method, url: url, body: body.map { Array($0.utf8)[...] }))
    }

    @Test func `a served search finds what query finds; SIGTERM ends it well`() async throws {
        let queries = Matrix.sample(rows: 3, seed: 4)
        try place.write("base.fbin", Matrix.sample(rows: 500))
        try place.write("q.fbin", queries)
        try place.mustRun("train", ["--vectors", "base.fbin"])
        try place.mustRun("publish", ["--no-tune"])
        let lines = try place.mustRun("query", ["--vectors", "q.fbin", "-k", "4"]).lines
        let output = try place.folder.write("out", Data())
        let program = try Program(
            Program.shardctl,
            ["serve", "--store", "file://\(place.store)", "--port", "0", "--drain-seconds", "0"],
            in: place.folder.url.path, outputPath: output)
        let base = try await address(output)
        for _ in 0..<3000 where try await ask(.get, base + "/ready").status != 200 {
            try await Task.sleep(for: .milliseconds(20))
        }
        for row in 0..<queries.rows {
            let numbers = queries.row(row).map { "\($0)" }.joined(separator: ",")
            let answer = try await ask(
                .post, base + "/v1/indexes/photos/search", #"{"vector":[\#(numbers)],"k":4}"#)
            #expect(answer.status == 200)
            #expect(try ids(Data(answer.body), "results") == ids(Data(lines[row].utf8), "hits"))
        }
        program.send(SIGTERM)
        let outcome = program.wait()
        #expect(outcome.status == 0, "\(outcome.errors)")
    }

    @Test
    func `which shards are asked for is remembered at the end; memory has the bound it is given`()
        async throws
    {
        try place.write("base.fbin", Matrix.sample(rows: 500))
        try place.mustRun("train", ["--vectors", "base.fbin"])
        try place.mustRun("publish", ["--no-tune"])
        let output = try place.folder.write("out", Data())
        let program = try Program(
            Program.shardctl,
            [
                "serve", "--store", "file://\(place.store)", "--port", "0", "--drain-seconds", "0",
                "--memory-megabytes", "77", "--heat", "heat",
            ], in: place.folder.url.path, outputPath: output)
        let base = try await address(output)
        for _ in 0..<3000 where try await ask(.get, base + "/ready").status != 200 {
            try await Task.sleep(for: .milliseconds(20))
        }
        let numbers = Matrix.sample(rows: 1, seed: 4).row(0).map { "\($0)" }.joined(separator: ",")
        let rows = [String](repeating: "[\(numbers)]", count: 600).joined(separator: ",")
        // Of shards that are all in memory, one use in 1,024 is recorded.
        for _ in 0..<3 {
            let answer = try await ask(
                .post, base + "/v1/indexes/photos/search", #"{"vectors":[\#(rows)],"k":1}"#)
            #expect(answer.status == 200)
        }
        let stats = try await ask(.get, base + "/stats")
        #expect(String(decoding: stats.body, as: UTF8.self).contains(#""budget":77000000"#))
        program.send(SIGTERM)
        let outcome = program.wait()
        #expect(outcome.status == 0, "\(outcome.errors)")
        let heat = try Data(contentsOf: URL(filePath: place.folder.path("heat/shards.heat")))
        #expect(heat.count > 50)
    }

    private func ids(_ json: Data, _ list: String) throws -> [String] {
        let object = try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
        let results = try #require(object[list] as? [[String: Any]])
        return results.compactMap { $0["id"] as? String }
    }

    @Test(arguments: [
        (["--host", "0.0.0.0"], "--keys"), (["--port", "70000"], "--port"),
        (["--keys", "nowhere"], "nowhere"), (["--tls-key", "k"], "--tls-certificate"),
        (["--tls-certificate", "c", "--tls-key", "k"], "PEM"), (["--max-k", "0"], "--max-k"),
        (["--index", "Bad Name"], "Bad Name"), (["--log-level", "loud"], "loud"),
        (["--memory-megabytes", "0"], "--memory-megabytes"),
        (["--workers", "127.0.0.1:1", "--memory-megabytes", "9"], "workers"),
    ])
    func `what cannot be served is one complaint`(arguments: [String], says: String) throws {
        let outcome = try Program.run(
            ["serve", "--store", "file://\(place.store)"] + arguments, in: place.folder.url.path)
        let status: Int32 = says == "nowhere" ? 66 : 65
        expectComplaint(outcome, status: status, says: [says])
    }
}
