// analyze-performance on the queries that a coordinator recorded.
import Foundation
import Glibc
import HTTPClient
import TestSupport
import Testing
import VectorCore

extension CoordinatorReportTests {
    @Test func `recorded queries outlive a kill, and are replayed`() async throws {
        let server = try await serve([
            "--query-log", "log", "--query-log-share", "1", "--query-log-seed", "1",
        ])
        let asked = ["--queries", "real.fbin", "--vectors", "base.fbin", "--ids", "ids.txt"]
        #expect(try measure(server.url, asked + Self.quick).status == 0)
        // The log is written every few seconds; a file that exists is complete.
        for _ in 0..<3000 {
            let logs = try await stats(server.url, "query_log")["indexes"] as? [[String: Any]]
            let log = logs?.first ?? [:]
            if log["recorded"] as? Int == log["seen"] as? Int { break }
            try await Task.sleep(for: .milliseconds(20))
        }
        server.program.send(SIGKILL)
        _ = server.program.wait()
        let store = [
            "--store", "file://\(place.store)", "--index", "photos", "--cold-queries", "0",
        ]
        let replayed = try start(store + ["--queries", "log/photos", "--json"] + Self.quick).wait()
        #expect(replayed.status == 0, "\(replayed.errors)")
        let settings = try #require(replayed.json["settings"] as? [String: Any])
        #expect(settings["queriesFrom"] as? String == "drawn from the file or log given")
        // 50 distinct queries, however often they were asked.
        let drift = try #require(replayed.json["drift"] as? [String: Any])
        #expect(drift["queries"] as? Int == 50 && drift["alarm"] as? Bool == false, "\(drift)")
        let root = try start(store + ["--queries", "log"]).wait()
        #expect(root.status == 65 && root.errors.contains("the index's own folder"))
    }

    @Test(.enabled(if: SmallDisk.isPermitted, "mounting a small tmpfs is not permitted here"))
    func `a full disk costs recorded queries and no search`() async throws {
        let small = try TemporaryFolder()
        let disk = try SmallDisk(small.url.path, kilobytes: 64)
        defer { withExtendedLifetime((small, disk)) {} }
        let server = try await serve([
            "--query-log", disk.path + "/log", "--query-log-share", "1",
        ])
        // 128 kB of queries: a hundred batches of 20.
        let rows = RandomVectors.uniform(rows: 20, columns: 16, seed: 6)
        var bytes = Data()
        for value in rows.elements { bytes.append(number: value.bitPattern) }
        let body = "{\"vectors\":\"\(bytes.base64EncodedString())\",\"k\":1}"
        let url = server.url + "/v1/indexes/photos/search"
        for _ in 0..<100 {
            let answer = try await HTTPClient.shared.send(
                HTTPRequest(.post, url: url, body: Array(body.utf8)[...]))
            #expect(answer.status == 200)
        }
        var log: [String: Any] = [:]
        for _ in 0..<3000 where log["failing"] as? Bool != true {
            try await Task.sleep(for: .milliseconds(20))
            let logs = try await stats(server.url, "query_log")["indexes"] as? [[String: Any]]
            log = logs?.first ?? [:]
        }
        #expect(log["failing"] as? Bool == true && log["seen"] as? Int == 2000)
        stop(server.program)
        let left = FileManager.default.subpaths(atPath: disk.path + "/log") ?? []
        #expect(!left.contains { $0.hasSuffix(".partial") })
    }

    @Test func `queries that drifted fail a run that forbids it`() throws {
        var far = RandomVectors.clustered(rows: 300, columns: 16, clusters: 12, seed: 2)
        for place in far.elements.indices { far.elements[place] += 0.4 }
        try place.write("far.fbin", far)
        let quick = ["--fail-on-drift", "--cold-queries", "0"] + Self.quick + place.target
        let outcome = try start(["--queries", "far.fbin"] + quick).wait()
        #expect(outcome.status == 79, "\(outcome.errors)")
        #expect(outcome.errors.hasPrefix("analyze-performance: error: DRIFT"))
        #expect(outcome.output.contains("alarm: yes"))
        #expect(try start(["--queries", "real.fbin"] + quick).wait().status == 0)
        let none = try start(quick).wait()
        #expect(none.status == 65 && none.errors.contains("--queries"))
    }

    @Test(arguments: [
        (["--query-log-share", "0.1"], "--query-log"),
        (["--query-log", "log", "--query-log-share", "0"], "--query-log-share 0"),
        (["--query-log", "log", "--query-log-megabytes", "0"], "--query-log-megabytes 0"),
    ])
    func `options of the query log that cannot be are refused`(arguments: [String], says: String)
        throws
    {
        let outcome = try Program.run(
            ["serve", "--store", "file://\(place.store)"] + arguments, in: place.folder.url.path)
        expectComplaint(outcome, status: 65, says: [says])
    }
}
