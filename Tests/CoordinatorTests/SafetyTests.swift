// Access keys, bounds and time limits of clients.
import Coordinator
import Foundation
import Glibc
import ServiceLifecycle
import TesseraBase
import TestSupport
import Testing

struct SafetyTests {
    static let readKey = "0123456789abcdef-read"
    private static let adminKey = "0123456789abcdef-admin"

    private static func keyFile(_ text: String, mode: Int = 0o600) throws -> (
        TemporaryFolder, String
    ) {
        let folder = try TemporaryFolder()
        let path = try folder.write("keys", Data(text.utf8))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        return (folder, path)
    }

    static func keys() throws -> AccessKeys {
        let (folder, path) = try Self.keyFile(
            "# who may ask\nread \(Self.readKey)\n\nadmin \(Self.adminKey)\n")
        defer { withExtendedLifetime(folder) {} }
        return try AccessKeys(path: path)
    }

    @Test func `keys open what they are for`() async throws {
        let index = try await PublishedIndex.shared.value
        let keys = try Self.keys()
        let query = #"{"id":"v1","k":1}"#
        let publish = ("/v1/indexes/photos/versions:publish", #"{"draft":"none"}"#)
        try await withServer(index, { $0.keys = keys }) { server in
            for path in ["/health", "/ready", "/openapi.json", "/"] {
                #expect(try await server.ask("GET", path).status == 200, "\(path)")
            }
            for path in ["/v1/indexes", "/stats", "/metrics", "/v1/indexes/photos/shards"] {
                let answer = try await server.ask("GET", path)
                #expect(answer.status == 401 && answer.code == "unauthenticated", "\(path)")
                #expect(answer.headers["www-authenticate"] == "Bearer")
            }
            for key in ["", "wrong", Self.readKey + "x", String(Self.readKey.dropLast())] {
                let headers = ["authorization": "Bearer \(key)"]
                #expect(try await server.search(query, headers: headers).status == 401)
            }
            for header in [
                ["authorization": "Bearer \(Self.readKey)"], ["x-api-key": Self.adminKey],
            ] { #expect(try await server.search(query, headers: header).status == 200) }
            let read = try await server.ask(
                "POST", publish.0, headers: ["x-api-key": Self.readKey], body: publish.1)
            #expect(read.status == 403 && read.code == "permission_denied")
            let admin = try await server.ask(
                "POST", publish.0, headers: ["x-api-key": Self.adminKey], body: publish.1)
            #expect(admin.status == 404)
        }
    }

    @Test(arguments: [
        ("read 0123456789abcdef", 0o640), ("read 0123456789abcdef", 0o604),
        ("read short", 0o600),
        ("write 0123456789abcdef", 0o600), ("# nothing", 0o600),
        ("read 0123456789abcdef more", 0o600),
    ])
    func `key files that others can read, or that hold no keys, are refused`(
        text: String, mode: Int
    ) throws {
        let (folder, path) = try Self.keyFile(text, mode: mode)
        defer { withExtendedLifetime(folder) {} }
        let error = try #require(throws: TesseraError.self) { _ = try AccessKeys(path: path) }
        #expect(error.code == .invalidArgument)
        #expect(!error.message.contains("0123456789abcdef"))
    }

    @Test func `the server does not listen to other machines without keys and TLS, unless told to`()
        throws
    {
        var settings = ServerSettings()
        try settings.checkSafety()
        settings.host = "0.0.0.0"
        #expect(throws: TesseraError.self) { try settings.checkSafety() }
        settings.keys = try Self.keys()
        #expect(throws: TesseraError.self) { try settings.checkSafety() }
        settings.tls = TLSFiles(certificate: "c", key: "k")
        try settings.checkSafety()
        settings.keys = nil
        #expect(throws: TesseraError.self) { try settings.checkSafety() }
        settings.allowsAnyone = true
        try settings.checkSafety()
    }

    @Test
    func `requests beyond the queue are refused with 429 and Retry-After; the others are answered`()
        async throws
    {
        let index = try await PublishedIndex.shared.value
        let held = HeldBackend(index)
        let body = #"{"vector":\#(index.query(0).json)}"#
        let change: (inout ServerSettings) -> Void = {
            $0.limits.service.running = 2
            $0.limits.service.waiting = 1
        }
        try await withServer(index, provider: held, change) { server in
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<3 { group.addTask { try await server.search(body).status } }
                try await server.wait(for: "a full house") {
                    let stats = try await server.ask("GET", "/stats").json
                    let requests = stats["requests"] as? [String: Any]
                    return requests?["running"] as? Int == 2 && requests?["waiting"] as? Int == 1
                }
                let refused = try await server.search(body)
                #expect(refused.status == 429 && refused.code == "overloaded")
                #expect(refused.headers["retry-after"] == "1")
                let late = try await server.search(
                    #"{"vector":\#(index.query(0).json),"deadline_ms":0.001}"#)
                #expect([429, 504].contains(late.status))
                for _ in 0..<3 {
                    try await server.wait(for: "a search") { held.waiting > 0 }
                    held.release()
                    #expect(try await group.next() == 200)
                }
            }
        }
    }

    private static func refusal(
        of gate: AdmissionGate, deadline: SteadyClock.Instant
    ) async -> ServiceError.Code? {
        do throws(ServiceError) {
            try await gate.enter(deadline: deadline)
            return nil
        } catch {
            return error.code
        }
    }

    @Test func `a deadline ends the wait for a place`() async throws {
        let clock = ManualClock()
        let gate = AdmissionGate(places: 1, seats: 5, clock: clock.steady)
        #expect(gate.tryEnter())
        async let refused = Self.refusal(of: gate, deadline: .seconds(20))
        await clock.advanceToNextWake()
        #expect(await refused == .deadlineExceeded)
        #expect(clock.now == .seconds(20))
        gate.leave()
        try await gate.enter(deadline: .seconds(60))
        #expect(gate.counts == AdmissionGate.Counts(running: 1))
    }

    @Test func `a client that has closed its sending side still gets its answer`() async throws {
        let index = try await PublishedIndex.shared.value
        try await withServer(index) { server in
            let wire = try Wire(port: server.port)
            let body = #"{"vector":\#(index.query(2).json)}"#
            try await wire.send(
                Wire.request("POST", "/v1/indexes/photos/search", body: Array(body.utf8)))
            wire.endSending()
            #expect(try await wire.answer().status == 200)
            #expect(try await wire.untilClosed().isEmpty)
        }
    }

    @Test func `a body that ends early is refused, and the connection with it`() async throws {
        let index = try await PublishedIndex.shared.value
        try await withServer(index) { server in
            let wire = try Wire(port: server.port)
            let request = Wire.request(
                "POST", "/v1/indexes/photos/search", body: Array(#"{"id":"v1"}"#.utf8))
            try await wire.send(Array(request.dropLast(3)))
            wire.endSending()
            let said = String(decoding: try await wire.untilClosed(), as: UTF8.self)
            #expect(said.isEmpty || said.hasPrefix("HTTP/1.1 400"))
            #expect(try await server.isReady())
        }
    }

    @Test func `slow bodies get 408, idle connections are closed`() async throws {
        let index = try await PublishedIndex.shared.value
        let change: (inout ServerSettings) -> Void = {
            $0.limits.bodyTime = .milliseconds(100)
            $0.limits.idleTime = .milliseconds(400)
        }
        try await withServer(index, change) { server in
            let slow = try Wire(port: server.port)
            let request = Wire.request(
                "POST", "/v1/indexes/photos/search", body: Array(#"{"id":"v1"}"#.utf8))
            try await slow.send(Array(request.dropLast(3)))
            let answer = try await slow.answer()
            #expect(answer.status == 408 && answer.code == "request_timeout")
            #expect(try await slow.untilClosed().isEmpty)
            let idle = try Wire(port: server.port)
            #expect(try await idle.untilClosed().isEmpty)
            let half = try Wire(port: server.port)
            try await half.send(Array("GET /health HTTP/1.1\r\nho".utf8))
            _ = try await half.untilClosed()
        }
    }

    @Test func `connections past the limit wait until one is free; idle ones cost nothing else`()
        async throws
    {
        let index = try await PublishedIndex.shared.value
        try await withServer(index, { $0.limits.connections = 40 }) { server in
            var idle: [Wire] = []
            for _ in 0..<60 { idle.append(try Wire(port: server.port)) }
            let first = try #require(idle.first)
            try await first.send(Wire.request("GET", "/stats"))
            let open = try await first.answer().json["connections"] as? Int
            #expect(try #require(open) <= 40)
            idle.removeAll()
            try await server.wait(for: "room") { try await server.isReady() }
        }
    }

    @Test func `a thousand silent connections do not hinder one that asks`() async throws {
        // Both ends are in this process.
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = min(limit.rlim_max, max(limit.rlim_cur, 4096))
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let index = try await PublishedIndex.shared.value
        try await withServer(index) { server in
            func connections() async throws -> Int {
                try await server.ask("GET", "/stats").json["connections"] as? Int ?? -1
            }
            var idle: [Wire] = []
            for _ in 0..<1000 { idle.append(try Wire(port: server.port)) }
            try await server.wait(for: "all of them") { try await connections() > 1000 }
            for row in 0..<20 {
                let answer = try await server.search(#"{"vector":\#(index.query(row).json)}"#)
                #expect(answer.status == 200)
            }
            // Each of them can still ask.
            try await idle[777].send(Wire.request("GET", "/health"))
            #expect(try await idle[777].answer().status == 200)
            idle.removeAll()
            try await server.wait(for: "their end") { try await connections() < 10 }
        }
    }

    @Test
    func `the trace id of a request comes back; without one, or a bad one, there is a new one`()
        async throws
    {
        let index = try await PublishedIndex.shared.value
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        try await withServer(index) { server in
            let known = try await server.ask(
                "GET", "/health", headers: ["traceparent": "00-\(trace)-00f067aa0ba902b7-01"])
            let header = try #require(known.headers["traceparent"])
            #expect(header.hasPrefix("00-\(trace)-") && header.hasSuffix("-01"))
            #expect(!header.contains("00f067aa0ba902b7"))
            for bad in [
                "00-\(trace)-00f067aa0ba902b7", "ff-\(trace)-00f067aa0ba902b7-01",
                "00-\(String(repeating: "0", count: 32))-00f067aa0ba902b7-01",
                "00-\(trace.uppercased())-00f067aa0ba902b7-01",
            ] {
                let answer = try await server.ask("GET", "/health", headers: ["traceparent": bad])
                let header = try #require(answer.headers["traceparent"])
                #expect(header.count == 55 && !header.contains(trace))
            }
        }
    }

    @Test func `at the end requests under way are answered, and clients are told to close`()
        async throws
    {
        let index = try await PublishedIndex.shared.value
        let held = HeldBackend(index)
        let body = #"{"vector":\#(index.query(0).json)}"#
        try await withServer(index, provider: held, { $0.drain = .milliseconds(200) }) { server in
            let wire = try Wire(port: server.port)
            try await wire.send(Wire.request("GET", "/health"))
            #expect(try await wire.answer().headers["connection"] == nil)
            async let early = server.search(body)
            try await server.wait(for: "the search") { held.waiting == 1 }
            await server.group.triggerGracefulShutdown()
            try await server.wait(for: "the goodbye") {
                guard let answer = try? await server.ask("GET", "/ready") else { return true }
                return answer.status == 503 && answer.headers["connection"] == "close"
            }
            held.release()
            #expect(try await early.status == 200)
        }
    }
}
