// shardctl on s3:// addresses, with the real server; its faults are in S3ComplaintTests.
import Foundation
import ObjectStore
import TesseraBase
import TestSupport
import Testing
import VectorCore

@Suite(.enabled(if: S3TestServer.isGiven, Comment(rawValue: S3TestServer.hint)))
struct S3CommandTests {
    let place: S3Workplace

    init() throws {
        place = try S3Workplace()
    }

    @Test func `the whole life in a bucket, with the answers of the same index in a folder`() throws
    {
        try place.publishSample()
        try place.local.mustRun("train", S3Workplace.training)
        try place.local.mustRun("publish")
        let expected = try place.local.mustRun("query", S3Workplace.query).lines
        #expect(expected.count == 5)
        #expect(try place.hits() == expected)
        let loaded = try place.run("query", S3Workplace.query + ["--no-cold"])
        expectComplaint(loaded, status: 78, says: ["only cold", "leave out --no-cold"])
        try checkLooking()
        try place.local.write("other.fbin", Matrix.sample(rows: 300, seed: 2))
        try place.mustRun("train", ["--vectors", "other.fbin"])
        #expect(try place.mustRun("publish").lines.first == "published version 2 (300 vectors)")
        #expect(try place.hits() != expected)
        try place.mustRun("rollback", ["--to", "1"])
        #expect(try place.hits() == expected)
        let rehearsal = try place.mustRun("gc", ["--grace-hours", "0", "--keep", "1"])
        #expect(rehearsal.output.contains("nothing was changed; give --apply to do it"))
        #expect(try place.hits(["--at", "2"]) != expected)
        try place.mustRun("gc", ["--grace-hours", "0", "--keep", "1", "--apply"])
        #expect(try place.hits() == expected)
        try checkExport()
    }

    private func checkLooking() throws {
        #expect(try place.mustRun("list").output.contains("version 1 "))
        #expect(try place.mustRun("list", index: false).output == "photos\n")
        let found = try place.mustRun("inspect", ["--id", "photo-77.jpg", "--json"]).json
        #expect(found["shard"] is Int && found["row"] is Int)
        #expect(try place.mustRun("verify").output.hasSuffix("all sound\n"))
    }

    private func checkExport() throws {
        try place.mustRun("export", ["--format", "faiss", "--output", "remote"])
        try place.local.mustRun("export", ["--format", "faiss", "--output", "near"])
        let name = "shard-0.faiss"
        func bytes(_ folder: String) throws -> Data {
            try Data(contentsOf: URL(filePath: place.local.folder.path("\(folder)/\(name)")))
        }
        #expect(try bytes("remote") == bytes("near"))
    }

    @Test func `doctor finds the real server fit and measures it`() throws {
        let report = try place.mustRun("doctor", ["--rounds", "3", "--quiet"], index: false)
        #expect(report.lines.count > 5)
        #expect(!report.output.contains("FAIL"), "\(report.output)")
        #expect(report.output.contains("bandwidth: "))
    }

    @Test func `a cold query takes three round trips, and a cache spares requests`() throws {
        try place.publishSample()
        try place.local.write("one.fbin", Matrix.sample(rows: 600).firstRows(1))
        let explained = try place.mustRun(
            "query", ["--vectors", "one.fbin", "-k", "3", "--explain"])
        #expect(explained.output.contains("\"roundTrips\":3,"), "\(explained.output)")
        let plain = try place.hits()
        let first = try place.hits(["--cache", "cache", "--stats"])
        let second = try place.hits(["--cache", "cache", "--stats"])
        #expect(first.dropLast() == plain[...] && second.dropLast() == plain[...])
        let sent = try requests(first)
        #expect(try requests(second) < sent)
        #expect(try damageFiles(of: "cache") > 0)
        #expect(try place.hits(["--cache", "cache"]) == plain)
        // Damaged files were removed and fetched again.
        #expect(try place.hits(["--cache", "cache"]) == plain)
    }

    /// The requests that the last line's statistics count.
    private func requests(_ lines: [String]) throws -> Int {
        let value = try JSONSerialization.jsonObject(with: Data((lines.last ?? "").utf8))
        return try #require((value as? [String: Any])?["requests"] as? Int)
    }

    /// Flips a bit in the middle and at the end of every file; returns the number of files.
    private func damageFiles(of folder: String) throws -> Int {
        let root = place.local.folder.path(folder)
        var count = 0
        for name in FileManager.default.subpaths(atPath: root) ?? [] {
            let url = URL(filePath: root + "/" + name)
            guard var bytes = try? Data(contentsOf: url), !bytes.isEmpty else { continue }
            bytes[bytes.count / 2] ^= 4
            bytes[bytes.count - 1] ^= 1
            try bytes.write(to: url)
            count += 1
        }
        return count
    }

    @Test func `--s3-endpoint says where the store is, and wins over the environment`() throws {
        try place.publishSample()
        let flags = [
            "--s3-endpoint", place.server.endpoint, "--s3-region", "us-east-1", "--s3-path-style",
        ]
        let nowhere = ["AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9", "AWS_REGION": ""]
        let outcome = try place.run("query", S3Workplace.query + flags, variables: nowhere)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(try outcome.lines == place.hits())
    }
}
