// Searches over HTTP give the engine's answers.
import Catalog
import Coordinator
import Foundation
import SearchTypes
import TesseraBase
import Testing
import VectorCore

struct SearchTests {
    /// Ids and distances of a list of results.
    private func hits(_ results: Any?) throws -> [(id: String, distance: Float)] {
        let list = try #require(results as? [[String: Any]])
        return try list.map { result in
            let distance = try #require(result["distance"] as? NSNumber)
            return (try #require(result["id"] as? String), distance.floatValue)
        }
    }

    private func check(_ results: Any?, _ expected: [Hit]) throws {
        let found = try hits(results)
        #expect(found.map(\.id) == expected.map(\.id))
        #expect(found.map(\.distance) == expected.map(\.distance))
    }

    @Test(arguments: Metric.allCases)
    func `one vector, as numbers or base64, gets the engine's hits`(metric: Metric) async throws {
        let index =
            metric == .l2
            ? try await PublishedIndex.shared.value : try await PublishedIndex(metric)
        try await withServer(index) { server in
            for row in [0, 17, 500] {
                let query = index.query(row)
                let expected = try await index.expected(query, k: 7)
                for vector in [query.json, "\"\(query.base64)\""] {
                    let answer = try await server.search(#"{"vector":\#(vector),"k":7}"#)
                    #expect(answer.status == 200)
                    try check(answer.json["results"], expected)
                    #expect(answer.json["version"] as? Int == 1)
                    #expect(answer.json["complete"] as? Bool == true)
                    #expect(answer.json["source"] as? String == "ram")
                    #expect(answer.json["receipt"] == nil)
                }
            }
        }
    }

    @Test func `many vectors get one list each, with receipts if asked for`() async throws {
        let index = try await PublishedIndex.shared.value
        let rows = [3, 90, 3, 800]
        try await withServer(index) { server in
            let queries = rows.map(index.query)
            let json = "[" + queries.map(\.json).joined(separator: ",") + "]"
            for vectors in [json, "\"\(queries.flatMap { $0 }.base64)\""] {
                let answer = try await server.search(#"{"vectors":\#(vectors),"explain":true}"#)
                let lists = try #require(answer.json["results"] as? [Any])
                #expect(lists.count == rows.count)
                for (list, query) in zip(lists, queries) {
                    try check(list, try await index.expected(query))
                }
                let receipts = try #require(answer.json["receipts"] as? [[String: Any]])
                #expect(receipts.count == rows.count)
                #expect(receipts.allSatisfy { ($0["codes_scanned"] as? Int ?? 0) > 0 })
            }
        }
    }

    @Test func `parameters reach the engine`() async throws {
        let index = try await PublishedIndex.shared.value
        let query = index.query(41)
        let limits = QueryLimits(index.manifest.index)
        try await withServer(index) { server in
            for (nprobe, refine) in [(1, 5), (4, 50)] {
                let answer = try await server.search(
                    #"{"vector":\#(query.json),"k":5,"nprobe":\#(nprobe),"refine":\#(refine),"explain":true}"#
                )
                let options = try limits.options(k: 5, nprobe: nprobe, refine: refine, batch: 1)
                try check(answer.json["results"], try await index.expected(query, options))
                let receipt = try #require(answer.json["receipt"] as? [String: Any])
                let lists = try #require(receipt["lists_scanned"] as? Int)
                #expect(lists <= nprobe && lists > 0)
            }
        }
    }

    @Test func `more like an id: its neighbours without itself`() async throws {
        let index = try await PublishedIndex.shared.value
        try await withServer(index) { server in
            let answer = try await server.search(
                #"{"id":"v41","k":5,"with":["vector","distance"]}"#)
            let found = try hits(answer.json["results"])
            let expected = try await index.expected(index.query(41), k: 6)
            #expect(found.count == 5 && !found.map(\.id).contains("v41"))
            // The stored vector is rounded, so a border case may differ; nearly all must not.
            let common = Set(found.map(\.id)).intersection(expected.map(\.id))
            #expect(common.count >= 4)
            let results = try #require(answer.json["results"] as? [[String: Any]])
            for result in results {
                let id = try #require(result["id"] as? String)
                let vector = try #require(result["vector"] as? [NSNumber]).map(\.floatValue)
                let original = index.query(try #require(Int(id.dropFirst())))
                let error = zip(vector, original).map { abs($0 - $1) }.max() ?? .infinity
                #expect(error < 0.1)
            }
            let unknown = try await server.search(#"{"id":"nobody"}"#)
            #expect(unknown.status == 404 && unknown.code == "not_found")
        }
    }

    @Test func `a threshold leaves out less similar results; with chooses what results carry`()
        async throws
    {
        let index = try await PublishedIndex.shared.value
        let query = index.query(8)
        try await withServer(index) { server in
            let all = try await server.search(#"{"vector":\#(query.json),"with":[]}"#)
            let results = try #require(all.json["results"] as? [[String: Any]])
            #expect(results.allSatisfy { $0["distance"] == nil && $0["vector"] == nil })
            let scores = results.compactMap { ($0["score"] as? NSNumber)?.floatValue }
            #expect(scores.count == 10 && scores == scores.sorted(by: >))
            let border = (scores[3] + scores[4]) / 2
            let best = try await server.search(
                #"{"vector":\#(query.json),"score_threshold":\#(border)}"#)
            #expect(try hits(best.json["results"]).count == 4)
        }
    }

    @Test func `an equal query comes from the response cache, with the same results`() async throws
    {
        let index = try await PublishedIndex.shared.value
        try await withServer(index, { $0.responseCacheBytes = 1 << 20 }) { server in
            let body = #"{"vector":\#(index.query(5).json),"k":4}"#
            let first = try await server.search(body)
            let second = try await server.search(body)
            let other = try await server.search(#"{"vector":\#(index.query(5).json),"k":5}"#)
            #expect(first.json["source"] as? String == "ram")
            #expect(second.json["source"] as? String == "cache")
            #expect(other.json["source"] as? String == "ram")
            try check(second.json["results"], try await index.expected(index.query(5), k: 4))
            let stats = try await server.ask("GET", "/stats").json
            let cache = try #require(stats["response_cache"] as? [String: Any])
            #expect(cache["hits"] as? Int == 1 && cache["misses"] as? Int == 2)
        }
    }

    @Test func `the cache stays within its bytes`() async throws {
        let index = try await PublishedIndex.shared.value
        try await withServer(index, { $0.responseCacheBytes = 20_000 }) { server in
            let wire = try Wire(port: server.port)
            for row in 0..<200 {
                let body = #"{"vector":\#(index.query(row).json),"k":4}"#
                try await wire.send(
                    Wire.request("POST", "/v1/indexes/photos/search", body: Array(body.utf8)))
                #expect(try await wire.answer().status == 200)
            }
            let stats = try await server.ask("GET", "/stats").json
            let cache = try #require(stats["response_cache"] as? [String: Any])
            let bytes = try #require(cache["bytes"] as? Int)
            #expect(bytes <= 20_000 && bytes > 5_000)
        }
    }
}
