// analyze-performance as a process, with a running coordinator and with the queries it recorded.
import Foundation
import Glibc
import HTTPClient
import ObjectStore
import TestSupport
import Testing
import VectorCore

struct CoordinatorReportTests {
    static let key = "0123456789abcdef-read"
    static let quick = ["--load-seconds", "0.02", "--curve-points", "2"]

    let place: Workplace

    init() throws {
        place = try Workplace()
        let all = RandomVectors.clustered(rows: 1250, columns: 16, clusters: 12, seed: 2)
        try place.write("base.fbin", all.gathering(Array(0..<1200)))
        try place.write("real.fbin", all.gathering(Array(1200..<1250)))
        try place.write("ids.txt", lines: (0..<1200).map { "v\($0)" })
        try place.mustRun(
            "train", ["--vectors", "base.fbin", "--ids", "ids.txt", "--shard-size", "400"])
        try place.mustRun("publish", ["--no-tune"])
        _ = try place.folder.write("keys", Data("read \(Self.key)\n".utf8))
        chmod(place.folder.path("keys"), 0o600)
    }

    /// Starts a server on a free port.
    func serve(
        _ more: [String] = [], client: HTTPClient = .shared
    ) async throws -> (program: Program, url: String) {
        let output = try place.folder.write("out", Data())
        let program = try Program(
            Program.shardctl,
            ["serve", "--store", "file://\(place.store)", "--port", "0", "--drain-seconds", "0"]
                + more,
            in: place.folder.url.path, outputPath: output)
        for _ in 0..<3000 {
            let text = try String(contentsOfFile: output, encoding: .utf8)
            if text.hasSuffix("\n"), let line = text.split(separator: "\n").first {
                let url = String(line.dropFirst("serving ".count))
                let ready = try? await client.send(HTTPRequest(.get, url: url + "/ready"))
                if ready?.status == 200 { return (program, url) }
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        program.send(SIGKILL)
        throw SpawnFailure(description: "the server is not ready: \(program.wait().errors)")
    }

    func start(_ arguments: [String]) throws -> Program {
        try Program(
            AnalyzeCommandTests.program, arguments, in: place.folder.url.path,
            environment: ["XDG_CACHE_HOME": place.folder.path("cache")])
    }

    func measure(_ url: String, _ more: [String]) throws -> Outcome {
        try start(["--url", url, "--index", "photos"] + more).wait()
    }

    func stop(_ program: Program) {
        program.send(SIGTERM)
        #expect(program.wait().status == 0)
    }

    func recall(_ report: [String: Any]) -> [Double] {
        (report["recall"] as? [[String: Any]] ?? []).flatMap { line in
            ["k", "recall", "low", "high", "queries"].compactMap { line[$0] as? Double }
        }
    }

    @Test(arguments: ["real", "kept", "drawn"])
    func `recall through HTTP is recall from the store`(queries: String) async throws {
        let server = try await serve()
        let point = ["--nprobe", "3", "--refine", "40", "--json"] + Self.quick
        let vectors = ["--vectors", "base.fbin", "--ids", "ids.txt"]
        let store = ["--store", "file://\(place.store)"]
        let ways: (there: [String], here: [String])
        switch queries {
        case "real":
            let real = vectors + ["--queries", "real.fbin"]
            ways = (real, store + real)
        case "kept": ways = (store, store)
        default: ways = (vectors, [])
        }
        let there = try measure(server.url, point + ways.there)
        #expect(there.status == 0 && there.errors.isEmpty, "\(there.errors)")
        let report = there.json
        #expect(recall(report).count == 15 && report["complete"] as? Bool == true)
        if !ways.here.isEmpty {
            let here = try start(["--index", "photos"] + point + ways.here).wait()
            #expect(recall(report) == recall(here.json))
        }
        let settings = try #require(report["settings"] as? [String: Any])
        #expect(settings["mode"] as? String == "coordinator" && settings["nprobe"] as? Int == 3)
        let view = try #require(report["coordinator"] as? [String: Any])
        #expect(view["completeShare"] as? Double == 1 && view["meanShare"] as? Double == 1)
        let versions = try #require(view["versions"] as? [[String: Any]])
        #expect(versions.map { $0["version"] as? Int } == [1])
        #expect(versions.first?["answers"] as? Int == view["answers"] as? Int)
        #expect((view["sources"] as? [String: Int])?["ram"] == view["answers"] as? Int)
        #expect((view["stages"] as? [[String: Any]])?.count == 10)
        #expect((report["work"] as? [String: Any])?["listsScanned"] as? Double ?? 0 > 0)
        #expect((report["openLoop"] as? [String: Any])?["queries"] as? Int ?? 0 > 0)
        stop(server.program)
    }

    @Test func `without a truth there is no recall, and the report says why`() async throws {
        let server = try await serve()
        let outcome = try measure(
            server.url, ["--queries", "real.fbin", "--html", "page.html"] + Self.quick)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("recall was not measured: there are no exact neighbours"))
        #expect(outcome.output.contains("The coordinator's own times"))
        #expect(!outcome.output.contains("Recall against exact search"))
        let page = try String(contentsOfFile: place.folder.path("page.html"), encoding: .utf8)
        #expect(page.hasSuffix("</html>\n") && page.contains(server.url))
        stop(server.program)
    }

    @Test func `what cannot be measured is one line and an exit code`() async throws {
        try place.write("wide.fbin", Matrix.sample(rows: 5, columns: 17))
        let other = try Workplace()
        try other.write("base.fbin", Matrix.sample(rows: 300))
        try other.trainAndPublish("base.fbin")
        let server = try await serve(["--keys", "keys"])
        let keyed = ["--key-file", "keys"]
        let real = ["--queries", "real.fbin"]
        _ = try place.folder.write("open", Data("\(Self.key)\n".utf8))
        chmod(place.folder.path("open"), 0o644)
        let refused: [([String], Int32, String)] = [
            (real, 65, "--key-file"), (real + ["--key-file", "open"], 65, "chmod 600"),
            (real + ["--key-file", "none"], 66, "none"),
            (keyed + ["--queries", "wide.fbin"], 65, "17 dimensions"),
            (keyed + real + ["--max-queries", "0"], 65, "at least one query"),
            (keyed + real + ["--at", "4"], 66, "version 4"), (keyed, 65, "nothing to ask"),
            (keyed + real + ["-k", "5000"], 65, "-k 5000"),
            (keyed + ["--store", "file://\(other.store)"], 65, "another in the store"),
            (keyed + ["--queries", "none.fbin"], 66, "none.fbin"),
            (keyed + real + ["--fail-on-drift"] + Self.quick, 79, "drift is not judged"),
        ]
        for (arguments, status, says) in refused {
            let outcome = try measure(server.url, arguments)
            #expect(outcome.status == status && outcome.errors.contains(says), "\(outcome.errors)")
            #expect(outcome.errors.hasPrefix("analyze-performance: error: "))
            #expect(outcome.errors.count { $0 == "\n" } == 1 && !outcome.errors.contains(Self.key))
        }
        let unknown = try start(["--url", server.url, "--index", "nothing"] + keyed + real).wait()
        #expect(unknown.status == 66 && unknown.errors.contains("nothing"), "\(unknown.errors)")
        #expect(try measure(server.url, keyed + real + Self.quick).status == 0)
        stop(server.program)
        let gone = try measure(server.url, real)
        #expect(gone.status == 69 && gone.errors.contains(server.url), "\(gone.errors)")
        for (url, says) in [
            ("ftp://localhost", "http://host:port"), ("http://example.org", "unencrypted"),
        ] {
            let outcome = try measure(url, keyed + real)
            #expect(outcome.status == 65 && outcome.errors.contains(says), "\(outcome.errors)")
        }
    }

    @Test
    func
        `over TLS, a certificate is trusted that --ca-file names, and no other; then a key may go`()
        async throws
    {
        let made = try Program(
            "/usr/bin/openssl",
            [
                "req", "-x509", "-days", "2", "-subj", "/CN=coordinator", "-newkey", "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1", "-nodes", "-addext", "subjectAltName=IP:127.0.0.1",
                "-keyout", "tls.key", "-out", "tls.pem",
            ], in: place.folder.url.path
        ).wait()
        try #require(made.status == 0, "\(made.errors)")
        let server = try await serve(
            ["--tls-certificate", "tls.pem", "--tls-key", "tls.key", "--keys", "keys"],
            client: HTTPClient(HTTPClientSettings(caFile: place.folder.path("tls.pem"))))
        #expect(server.url.hasPrefix("https://"))
        let asked = ["--queries", "real.fbin", "--key-file", "keys"] + Self.quick
        let trusted = try measure(server.url, asked + ["--ca-file", "tls.pem", "--json"])
        #expect(trusted.status == 0, "\(trusted.errors)")
        #expect(trusted.json["complete"] as? Bool == true)
        let stranger = try measure(server.url, asked)
        #expect(stranger.status == 69 && stranger.output.isEmpty, "\(stranger.errors)")
        stop(server.program)
    }

    @Test(.enabled(if: FakeCoordinator.isPossible, "Python is not installed here"))
    func `answers that miss shards are counted; a refusal for load ends the run`() async throws {
        let fake = try await FakeCoordinator(in: place.folder, refusesAfter: 200)
        let outcome = try measure(
            fake.url,
            ["--queries", "real.fbin", "--load-seconds", "600", "--json", "--html", "page.html"])
        fake.stop()
        #expect(outcome.status == 69, "\(outcome.errors)")
        #expect(outcome.errors.contains("too many; give a lower --concurrency or --rate"))
        let report = outcome.json
        #expect(report["complete"] as? Bool == false)
        let view = try #require(report["coordinator"] as? [String: Any])
        #expect(view["answers"] as? Int == 200 && view["completeShare"] as? Double == 0.75)
        #expect(view["meanShare"] as? Double == 0.875)
        #expect(view["sources"] as? [String: Int] == ["disk": 200])
        // This coordinator has no /stats.
        let page = try String(contentsOfFile: place.folder.path("page.html"), encoding: .utf8)
        #expect(page.contains("no answer from /stats") && page.contains("75.00% complete"))
        #expect((view["stages"] as? [Any])?.isEmpty == true && view["refused"] == nil)
        let notes = report["notes"] as? [String] ?? []
        #expect(notes.contains { $0.hasPrefix("25.00% of the answers miss shards") })
    }

    @Test func `a coordinator that is killed leaves a partial report, and says so`() async throws {
        let server = try await serve()
        let running = try start([
            "--url", server.url, "--index", "photos", "--load-seconds", "600", "--json",
            "--vectors", "base.fbin", "--ids", "ids.txt", "--html", "page.html",
        ])
        // Recall takes 1,500 queries; the loads that follow would take twenty minutes.
        try await wait(server.url, for: 2000)
        server.program.send(SIGKILL)
        _ = server.program.wait()
        let outcome = running.wait()
        #expect(outcome.status == 69 && outcome.errors.contains(server.url), "\(outcome.errors)")
        let report = outcome.json
        #expect(report["complete"] as? Bool == false && recall(report).count == 15)
        #expect((report["stoppedBy"] as? String)?.contains(server.url) == true)
        let view = try #require(report["coordinator"] as? [String: Any])
        #expect((view["answers"] as? Int ?? 0) >= 1500)
        let page = try String(contentsOfFile: place.folder.path("page.html"), encoding: .utf8)
        #expect(page.contains("<strong>Partial.</strong>"))
    }

    func stats(_ url: String, _ part: String) async throws -> [String: Any] {
        let stats = try await HTTPClient.shared.send(HTTPRequest(.get, url: url + "/stats"))
        let json = try JSONSerialization.jsonObject(with: Data(stats.body)) as? [String: Any]
        return json?[part] as? [String: Any] ?? [:]
    }

    /// Waits until this many more queries were answered.
    func wait(_ url: String, for more: Int) async throws {
        func answered() async throws -> Int {
            try await stats(url, "requests")["queries"] as? Int ?? 0
        }
        let before = try await answered()
        for _ in 0..<3000 where try await answered() < before + more {
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    @Test
    func
        `a version that takes over during the run is noticed; one that was asked for and vanished ends it`()
        async throws
    {
        let server = try await serve(["--poll-seconds", "0.05"])
        try place.mustRun(
            "train", ["--vectors", "base.fbin", "--ids", "ids.txt", "--seed", "9"])
        // Loads that end when they are interrupted.
        func run(_ more: [String]) throws -> Program {
            try start(
                [
                    "--url", server.url, "--index", "photos", "--json", "--queries", "real.fbin",
                    "--load-seconds", "600",
                ] + more)
        }
        let (any, pinned) = (try run([]), try run(["--at", "1"]))
        try await wait(server.url, for: 1000)
        try place.mustRun("publish", ["--no-tune"])
        let ended = pinned.wait()
        #expect(ended.status == 66 && ended.errors.contains("version 2 does"), "\(ended.errors)")
        #expect(ended.json["complete"] as? Bool == false)
        try await wait(server.url, for: 500)
        any.send(SIGINT)
        let outcome = any.wait()
        #expect(outcome.status == 130, "\(outcome.errors)")
        let view = try #require(outcome.json["coordinator"] as? [String: Any])
        let versions = (view["versions"] as? [[String: Any]])?.compactMap { $0["version"] as? Int }
        #expect(versions == [1, 2])
        let notes = outcome.json["notes"] as? [String] ?? []
        #expect(notes.contains { $0.contains("another version took over") })
        stop(server.program)
    }
}
