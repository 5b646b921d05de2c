// Refused requests get their documented status and code, and the server serves on.
import Coordinator
import Foundation
import TesseraBase
import Testing
import VectorCore

struct RefusalTests {
    private static let zeros = [Float](repeating: 0, count: PublishedIndex.dimension).json

    /// A refused request with the expected status, code and field.
    struct Case: Sendable, CustomTestStringConvertible {
        var path = "/v1/indexes/photos/search"
        var method = "POST"
        let body: String?
        let status: Int
        let code: String
        var field: String?

        var testDescription: String { "\(method) \(path) \(body?.prefix(60) ?? "")" }
    }

    private static let cases: [Case] = [
        Case(body: "{", status: 400, code: "invalid_argument"),
        Case(body: "", status: 400, code: "invalid_argument"),
        Case(body: #"{"vector":[1,2]}"#, status: 400, code: "invalid_argument", field: "vector"),
        Case(body: #"{"vector":"!"}"#, status: 400, code: "invalid_argument", field: "vector"),
        Case(
            body: #"{"vektor":\#(zeros)}"#, status: 400, code: "invalid_argument", field: "vektor"),
        Case(
            body: #"{"vector":\#(zeros),"k":0}"#, status: 400, code: "invalid_argument", field: "k"),
        Case(
            body: #"{"vector":\#(zeros),"k":901}"#, status: 400, code: "invalid_argument",
            field: "k"),
        Case(
            body: #"{"vector":\#(zeros),"nprobe":1000000}"#, status: 400, code: "invalid_argument",
            field: "nprobe"),
        Case(
            body: #"{"vector":\#(zeros),"refine":3}"#, status: 400, code: "invalid_argument",
            field: "refine"),
        Case(
            body: #"{"vector":\#(zeros),"recall":1.5}"#, status: 400, code: "invalid_argument",
            field: "recall"),
        Case(body: #"{"vector":\#(zeros),"recall":0.9}"#, status: 404, code: "not_found"),
        Case(
            body: #"{"vector":\#(zeros),"with":["metadata"]}"#, status: 501, code: "unsupported",
            field: "with"),
        Case(
            body: #"{"vector":\#(zeros),"version":2}"#, status: 404, code: "not_found",
            field: "version"),
        Case(
            body: #"{"vector":\#(zeros),"deadline_ms":0}"#, status: 504,
            code: "deadline_exceeded", field: "deadline_ms"),
        Case(
            path: "/v1/indexes/nothing/search", body: #"{"vector":\#(zeros)}"#, status: 404,
            code: "not_found"),
        Case(path: "/v1/indexes//search", body: "{}", status: 404, code: "not_found"),
        Case(path: "/v1/indexes/nothing", method: "GET", body: nil, status: 404, code: "not_found"),
        Case(path: "/v2", method: "GET", body: nil, status: 404, code: "not_found"),
        Case(method: "GET", body: nil, status: 405, code: "method_not_allowed"),
        Case(path: "/health", body: "{}", status: 405, code: "method_not_allowed"),
        Case(
            path: "/v1/indexes/photos/versions:publish", body: #"{"draft":"none"}"#, status: 404,
            code: "not_found"),
        Case(
            path: "/v1/indexes/photos/versions:publish", body: #"{"draft":"../x"}"#, status: 400,
            code: "invalid_argument"),
        Case(
            path: "/v1/indexes/photos/versions:publish", body: "{}", status: 400,
            code: "invalid_argument", field: "draft"),
        Case(
            path: "/v1/indexes/photos/versions:rollback", body: #"{"version":9}"#, status: 404,
            code: "not_found"),
        Case(
            path: "/v1/indexes/photos/versions:rollback", body: #"{"version":1}"#, status: 400,
            code: "invalid_argument"),
        Case(
            path: "/v1/indexes/photos/versions:rollback", body: #"{"to":1}"#, status: 400,
            code: "invalid_argument", field: "to"),
    ]

    @Test func `each bad request has its documented answer, and the next one is answered`()
        async throws
    {
        let index = try await PublishedIndex.shared.value
        try await withServer(index) { server in
            for refused in Self.cases {
                let answer = try await server.ask(refused.method, refused.path, body: refused.body)
                let what = Comment(rawValue: refused.testDescription + " " + answer.text)
                #expect(answer.status == refused.status, what)
                #expect(answer.code == refused.code, what)
                #expect(answer.field == refused.field, what)
                #expect(answer.json["message"] is String && answer.json["details"] != nil, what)
                #expect(answer.headers["traceparent"]?.count == 55, what)
            }
            let good = try await server.search(#"{"vector":\#(index.query(1).json)}"#)
            #expect(good.status == 200)
        }
    }

    @Test func `a query of zeros has no direction`() async throws {
        let index = try await PublishedIndex(.cosine)
        try await withServer(index) { server in
            let answer = try await server.search(#"{"vector":\#(Self.zeros)}"#)
            #expect(answer.status == 400 && answer.field == "vector")
        }
    }

    @Test func `bodies over the limit are refused, with and without an announced length`()
        async throws
    {
        let index = try await PublishedIndex.shared.value
        try await withServer(index, { $0.limits.bodyBytes = 4096 }) { server in
            let large = [UInt8](repeating: 0x20, count: 5000)
            let told = try await server.ask("POST", "/v1/indexes/photos/search", bytes: large)
            #expect(told.status == 413 && told.code == "payload_too_large")
            #expect(told.headers["connection"] == "close")
            let wire = try Wire(port: server.port)
            let head =
                "POST /v1/indexes/photos/search HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
            let chunk = "1000\r\n" + String(repeating: " ", count: 4096) + "\r\n"
            try await wire.send(Array((head + chunk + chunk).utf8))
            #expect(try await wire.answer().status == 413)
        }
    }

    @Test func `bytes that are not HTTP get an error document, and the connection is closed`()
        async throws
    {
        let index = try await PublishedIndex.shared.value
        try await withServer(index) { server in
            let large = "GET / HTTP/1.1\r\na: \(String(repeating: "b", count: 40_000))\r\n\r\n"
            for bytes in [
                "\u{1}\u{2}\u{3}\r\n\r\n", "GET\r\n\r\n", "POST / HTTP/9.9\r\n\r\n", large,
                "POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
            ] {
                let wire = try Wire(port: server.port)
                try await wire.send(Array(bytes.utf8))
                let (answer, length) = try #require(Wire.parse(try await wire.untilClosed()))
                #expect(answer.status == 400 && answer.code == "invalid_argument")
                #expect(answer.headers["connection"] == "close" && answer.body.count < length)
                #expect(answer.json["message"] is String && answer.json["details"] != nil)
            }
            // After a good request, which is answered first.
            let wire = try Wire(port: server.port)
            try await wire.send(Wire.request("GET", "/health") + Array("G{T / HTTP\r\n\r\n".utf8))
            #expect(try await wire.answer().status == 200)
            #expect(try await wire.answer().code == "invalid_argument")
            #expect(try await wire.untilClosed().isEmpty)
            #expect(try await server.isReady())
        }
    }

    @Test func `mutated requests never end the server, and get documented statuses`() async throws {
        let index = try await PublishedIndex.shared.value
        let body = #"{"vector":\#(index.query(3).json),"k":3,"explain":true}"#
        let seed = Wire.request("POST", "/v1/indexes/photos/search", body: Array(body.utf8))
        let documented: Set = [200, 400, 401, 403, 404, 405, 408, 413, 429, 500, 501, 503, 504]
        var random = SeededRandom(seed: 77)
        try await withServer(index, { $0.limits.bodyTime = .milliseconds(300) }) { server in
            for round in 0..<400 {
                // Even rounds change the body only, odd ones any byte.
                let first = round.isMultiple(of: 2) ? seed.count - body.utf8.count : 0
                var bytes = seed
                for _ in 0...Int.random(in: 0..<4, using: &random) {
                    let place = Int.random(in: first..<bytes.count, using: &random)
                    bytes[place] = UInt8.random(in: 0...255, using: &random)
                }
                let wire = try Wire(port: server.port)
                try await wire.send(bytes)
                wire.endSending()
                let said = try await wire.untilClosed()
                guard !said.isEmpty else { continue }
                let words = String(decoding: said.prefix(12), as: UTF8.self).split(separator: " ")
                let status = try #require(words.last.flatMap { Int($0) })
                #expect(documented.contains(status))
            }
            #expect(try await server.isReady())
        }
    }
}
