// The query log: which queries are kept, how many, and that its failures fail no search.
import Catalog
import Coordinator
import Foundation
import TesseraBase
import TestSupport
import Testing
import VectorCore

struct QueryLogTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private var path: String { folder.path("log") }

    private func log(
        share: Double = 1, bytes: Int = 1_000_000, seed: UInt64 = 7
    ) -> QueryLogSettings {
        var settings = QueryLogSettings(folder: path)
        settings.share = share
        settings.bytes = bytes
        settings.seed = seed
        settings.writer = "w1"
        settings.interval = .milliseconds(20)
        return settings
    }

    private func body(_ rows: Matrix) -> String {
        #"{"vectors":"\#(rows.elements.base64)","k":1}"#
    }

    /// The index's counts in /stats.
    private func logged(_ server: TestServer) async throws -> [String: Any] {
        let log = try await server.ask("GET", "/stats").json["query_log"] as? [String: Any]
        #expect(log?["enabled"] as? Bool == true)
        return (log?["indexes"] as? [[String: Any]])?.first ?? [:]
    }

    private func files() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path + "/photos").sorted()
    }

    private func recorded() throws -> [[Float]] {
        try files().flatMap { name in
            let file = try VectorFile.open(path: "\(path)/photos/\(name)")
            let matrix = try file.read(rows: 0..<file.rows)
            return (0..<matrix.rows).map { Array(matrix.row($0)) }
        }
    }

    private func mode(_ path: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return (attributes[.posixPermissions] as? Int ?? 0) & 0o777
    }

    @Test(arguments: [Metric.l2, .cosine])
    func `vectors are recorded as they were sent, and nothing else`(metric: Metric) async throws {
        let index =
            metric == .l2
            ? try await PublishedIndex.shared.value : try await PublishedIndex(metric)
        let sent = RandomVectors.uniform(rows: 5, columns: PublishedIndex.dimension, seed: 2)
        let settings = log()
        try await withServer(index, { $0.queryLog = settings }) { server in
            #expect(try await server.search(body(sent.gathering([0, 1, 2]))).status == 200)
            #expect(try await server.search(#"{"id":"v1"}"#).status == 200)
            #expect(try await server.search("{").status == 400)
            for row in [3, 4] {
                let json = Array(sent.row(row)).json
                #expect(try await server.search(#"{"vector":\#(json)}"#).status == 200)
            }
            try await server.wait(for: "recorded") {
                try await logged(server)["recorded"] as? Int == 5
            }
            let stats = try await logged(server)
            #expect(stats["seen"] as? Int == 5 && stats["dropped"] as? Int == 0)
            #expect(stats["bytes"] as? Int == 8 + 5 * 4 * PublishedIndex.dimension)
            #expect(try recorded() == (0..<5).map { Array(sent.row($0)) })
        }
        #expect(try files() == ["queries-0000000001-w1.fbin"])
        #expect(try mode("\(path)/photos/queries-0000000001-w1.fbin") == 0o600)
        #expect(try mode(path) == 0o700 && mode(path + "/photos") == 0o700)
    }

    @Test
    func
        `the seed decides the sample, however queries are batched; what waits is written at the end`()
        async throws
    {
        let index = try await PublishedIndex.shared.value
        let sent = RandomVectors.uniform(rows: 1000, columns: PublishedIndex.dimension, seed: 3)
        var drawn: [[[Float]]] = []
        for (seed, batch) in [(1, 100), (1, 250), (2, 100)] as [(UInt64, Int)] {
            var settings = log(share: 0.3, seed: seed)
            // Nothing is written before the server ends.
            settings.interval = .seconds(600)
            try? FileManager.default.removeItem(atPath: path)
            try await withServer(index, { $0.queryLog = settings }) { server in
                for first in stride(from: 0, to: 1000, by: batch) {
                    let rows = sent.gathering(Array(first..<first + batch))
                    #expect(try await server.search(body(rows)).status == 200)
                }
                let stats = try await logged(server)
                #expect(stats["seen"] as? Int == 1000 && stats["recorded"] as? Int == 0)
                #expect((stats["waiting"] as? Int ?? 0) > 0)
            }
            drawn.append(try recorded())
        }
        // Four standard deviations of a binomial.
        for queries in drawn { #expect(abs(queries.count - 300) < 58) }
        #expect(drawn[0] == drawn[1] && drawn[0] != drawn[2])
    }

    @Test func `the log stays within its bound, and keeps the newest; a restart goes on after it`()
        async throws
    {
        let index = try await PublishedIndex.shared.value
        let sent = RandomVectors.uniform(rows: 4000, columns: PublishedIndex.dimension, seed: 3)
        let settings = log(bytes: 64_000)
        for run in 0..<2 {
            try await withServer(index, { $0.queryLog = settings }) { server in
                for first in stride(from: 2000 * run, to: 2000 * (run + 1), by: 500) {
                    let rows = sent.gathering(Array(first..<first + 500))
                    #expect(try await server.search(body(rows)).status == 200)
                    try await server.wait(for: "recorded") {
                        try await logged(server)["recorded"] as? Int == first + 500 - 2000 * run
                    }
                    #expect((try await logged(server)["bytes"] as? Int ?? .max) <= 64_000)
                }
            }
            let kept = try recorded()
            let end = 2000 * (run + 1)
            #expect(kept.count > 700 && kept.count < 1000)
            #expect(kept == (end - kept.count..<end).map { Array(sent.row($0)) })
        }
    }

    @Test func `no search fails or waits for a log that cannot be written; it goes on when it can`()
        async throws
    {
        let index = try await PublishedIndex.shared.value
        let query = #"{"vector":\#(index.query(3).json),"k":2}"#
        let settings = log(bytes: 8 * 64 * 10)
        try await withServer(index, { $0.queryLog = settings }) { server in
            // A file where the index's folder has to be.
            _ = try folder.write("log/photos", Data())
            for _ in 0..<30 { #expect(try await server.search(query).status == 200) }
            try await server.wait(for: "failing") {
                try await logged(server)["failing"] as? Bool == true
            }
            // Queries that fit one file are tried again, more are lost.
            try await server.wait(for: "dropped") {
                let stats = try await logged(server)
                let dropped = stats["dropped"] as? Int ?? 0
                return dropped >= 20 && dropped + (stats["waiting"] as? Int ?? 0) == 30
            }
            #expect(try await logged(server)["recorded"] as? Int == 0)
            let metrics = try await server.ask("GET", "/metrics").text
            #expect(metrics.contains(#"tessera_query_log_failing{index="photos"} 1.0"#))
            // The whole log is removed: it is created again.
            try FileManager.default.removeItem(atPath: path)
            try await server.wait(for: "recorded") {
                let stats = try await logged(server)
                return stats["failing"] as? Bool == false && stats["waiting"] as? Int == 0
                    && (stats["recorded"] as? Int ?? 0) > 0
            }
            #expect(try await server.search(query).status == 200)
        }
        #expect(try recorded().allSatisfy { $0 == index.query(3) })
    }

    @Test func `a log whose folder cannot be created is an error at the start`() async throws {
        let index = try await PublishedIndex.shared.value
        _ = try folder.write("log", Data())
        let settings = log()
        let error = await #expect(throws: TesseraError.self) {
            try await withServer(index, { $0.queryLog = settings }) { _ in }
        }
        #expect(error?.code == .unavailable && error?.message.contains("--query-log") == true)
    }

    @Test func `drift of recorded queries is reported while serving`() async throws {
        let index = try await PublishedIndex.shared.value
        let near = PublishedIndex.vectors.gathering(Array(0..<200))
        var far = near
        for place in far.elements.indices { far.elements[place] += 3 }
        let settings = log()
        try await withServer(index, { $0.queryLog = settings }) { server in
            func drift(after queries: Int) async throws -> [String: Any] {
                try await server.wait(for: "judged") {
                    let drift = try await logged(server)["drift"] as? [String: Any]
                    return drift?["queries"] as? Int == queries
                }
                return try await logged(server)["drift"] as? [String: Any] ?? [:]
            }
            #expect(try await server.search(body(near)).status == 200)
            let calm = try await drift(after: 200)
            #expect(calm["version"] as? Int == index.manifest.version)
            #expect((calm["beyond_p95"] as? Double ?? 1) < 0.12)
            #expect((calm["beyond_p99"] as? Double ?? 1) < 0.05)
            #expect(try await server.search(body(far)).status == 200)
            let moved = try await drift(after: 400)
            #expect((moved["beyond_p95"] as? Double ?? 0) > 0.5)
            let metrics = try await server.ask("GET", "/metrics").text
            #expect(metrics.contains(#"tessera_query_drift_share{index="photos",quantile="0.95"}"#))
            let answer = try await server.ask("GET", "/stats")
            #expect(!answer.text.contains(path))
        }
    }
}
