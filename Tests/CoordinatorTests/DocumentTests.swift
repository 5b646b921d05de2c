// openapi.json describes the server: its paths are the server's, and answers fit its schemas.
import Catalog
import Coordinator
import Foundation
import HTTPTypes
import NIOCore
import TesseraBase
import TestSupport
import Testing

struct DocumentTests {
    private func document() throws -> [String: Any] {
        let bytes = Data(EmbeddedFiles.openapi.readableBytesView)
        return try #require(try JSONSerialization.jsonObject(with: bytes) as? [String: Any])
    }

    @Test func `the document has every route of the server, and no other`() throws {
        let paths = try #require(try document()["paths"] as? [String: [String: Any]])
        let methods: Set = ["get", "post", "put", "delete", "patch", "head"]
        let written = paths.flatMap { path, item in
            item.keys.filter(methods.contains).map { "\($0.uppercased()) \(path)" }
        }
        let served = Route.table.map { "\($0.method.rawValue) \($0.template)" }
        #expect(Set(written) == Set(served) && written.count == served.count)
        for (method, template) in Route.table {
            let path = template.replacingOccurrences(of: "{name}", with: "photos")
            #expect(Route(path: path)?.method == method, "\(template)")
            #expect(Route(path: path + "?a=b") == Route(path: path))
            #expect(Route(path: path + "/x") == nil || ["/", "/v1/indexes"].contains(template))
        }
    }

    @Test func `the document has every error code with its status`() throws {
        let components = try #require(try document()["components"] as? [String: Any])
        let schemas = try #require(components["schemas"] as? [String: [String: Any]])
        let properties = try #require(schemas["Error"]?["properties"] as? [String: [String: Any]])
        let written = try #require(properties["code"]?["enum"] as? [String])
        #expect(Set(written) == Set(APIError.Code.allCases.map(\.rawValue)))
        let statuses = Set(APIError.Code.allCases.map { String($0.status.code) })
        let paths = try #require(try document()["paths"] as? [String: [String: Any]])
        var documented: Set<String> = []
        for item in paths.values {
            for operation in item.values {
                guard let responses = (operation as? [String: Any])?["responses"] as? [String: Any]
                else { continue }
                documented.formUnion(responses.keys)
            }
        }
        #expect(documented == statuses.union(["200"]))
    }

    @Test func `answers fit the schemas`() async throws {
        let index = try await PublishedIndex()
        let draft = try await index.draft(nprobe: 2)
        _ = try await index.draft(nprobe: 3)
        let checker = SchemaChecker(try document())
        let vector = index.query(4).json
        let search = "/v1/indexes/photos/search"
        let asked: [(String, String, String?, String)] = [
            ("GET", "/v1/indexes", nil, "IndexList"),
            ("GET", "/v1/indexes/photos", nil, "IndexDetail"),
            ("GET", "/v1/indexes/photos/versions", nil, "VersionList"),
            ("GET", "/v1/indexes/photos/shards", nil, "ShardList"),
            ("POST", search, #"{"vector":\#(vector),"explain":true}"#, "SearchResponse"),
            ("POST", search, #"{"vector":\#(vector),"with":["vector"]}"#, "SearchResponse"),
            ("POST", search, #"{"vectors":[\#(vector)],"explain":true}"#, "BatchSearchResponse"),
            ("POST", search, #"{"id":"v3"}"#, "SearchResponse"),
            ("POST", search, "{", "Error"), ("GET", search, nil, "Error"),
            (
                "POST", "/v1/indexes/photos/versions:publish", #"{"draft":"\#(draft.id)"}"#,
                "Publication"
            ),
            (
                "POST", "/v1/indexes/photos/versions:rollback", #"{"version":1}"#, "Publication"
            ),
            ("GET", "/health", nil, "Health"), ("GET", "/ready", nil, "Readiness"),
            ("GET", "/stats", nil, "Stats"),
        ]
        let folder = try TemporaryFolder()
        let log = QueryLogSettings(folder: folder.path("log"))
        try await withServer(index, { $0.queryLog = log }) { server in
            for (method, path, body, schema) in asked {
                let answer = try await server.ask(method, path, body: body)
                #expect(answer.headers["content-type"] == "application/json")
                let value = try JSONSerialization.jsonObject(with: Data(answer.body))
                let complaints = checker.complaints(value, schema: schema)
                #expect(complaints == [], "\(method) \(path): \(answer.text.prefix(300))")
            }
            let page = try await server.ask("GET", "/")
            #expect(page.headers["content-type"]?.hasPrefix("text/html") == true)
            let policy = page.headers["content-security-policy"] ?? ""
            #expect(policy.hasPrefix("default-src 'none'; script-src 'sha256-"))
            #expect(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"))
            #expect(!page.text.contains("page.css") && !page.text.contains("page.js"))
            #expect(
                try await server.ask("GET", "/openapi.json").json["openapi"] as? String == "3.1.0")
        }
    }

    @Test func `the checker finds what does not fit`() throws {
        let checker = SchemaChecker(try document())
        let good: [String: Any] = ["status": "ok", "uptime_s": 1.5]
        #expect(checker.complaints(good, schema: "Health") == [])
        for bad in [
            ["status": "ok"], ["status": "bad", "uptime_s": 1], ["status": "ok", "uptime_s": "1"],
            ["status": "ok", "uptime_s": 1, "more": 1],
        ] as [[String: Any]] {
            #expect(checker.complaints(bad, schema: "Health").count == 1)
        }
    }

    @Test func `the statistics add up, and Prometheus can read them`() async throws {
        let index = try await PublishedIndex.shared.value
        let rows = "[" + [1, 2, 3].map { index.query($0).json }.joined(separator: ",") + "]"
        try await withServer(index) { server in
            for _ in 0..<4 { _ = try await server.search(#"{"vectors":\#(rows)}"#) }
            _ = try await server.search("{")
            let stats = try await server.ask("GET", "/stats").json
            let requests = try #require(stats["requests"] as? [String: Any])
            #expect(requests["queries"] as? Int == 12)
            let byStatus = try #require(requests["by_status"] as? [String: Int])
            #expect(byStatus["400"] == 1 && (byStatus["200"] ?? 0) >= 4)
            let stages = try #require(stats["stages"] as? [String: [String: Double]])
            #expect(stages["total"]?["count"] == 4 && stages["scan"]?["count"] == 12)
            for stage in stages.values {
                let order = ["min", "p50", "p95", "p99", "max"].compactMap { stage[$0] }
                #expect(order == order.sorted() && order.count == 5)
            }
            let tiers = try #require(stats["tiers"] as? [[String: Any]])
            let memory = try #require(tiers.first?["ram"] as? [String: Any])
            #expect(tiers.count == 1 && tiers[0]["place"] as? String == "here")
            #expect(tiers[0]["disk"] is NSNull && tiers[0]["store"] is NSNull)
            #expect(memory["hits"] as? Int ?? 0 >= 12 && memory["hit_rate"] as? Double == 1)
            #expect(memory["shards"] as? Int == index.manifest.index.shards.count)
            let text = try await server.ask("GET", "/metrics").text
            #expect(text.contains(#"tessera_tier_hits_total{place="here",tier="ram"} "#))
            #expect(text.contains(#"tessera_queries_total{source="ram"} 12.0"#))
            for line in text.split(separator: "\n") where !line.hasPrefix("#") {
                let words = line.split(separator: " ")
                #expect(words.count == 2 && words.last.flatMap { Double($0) } != nil, "\(line)")
            }
        }
    }
}
