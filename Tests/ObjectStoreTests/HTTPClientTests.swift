// The HTTP client against a server that misbehaves, and its pure parts by themselves.
import Foundation
import HTTPClient
import ObjectStore
import TestSupport
import Testing

struct HTTPClientTests {
    private let client = HTTPClient()

    private func problem(_ request: HTTPRequest) async -> HTTPFailure? {
        do throws(HTTPFailure) {
            _ = try await client.send(request)
            return nil
        } catch {
            return error
        }
    }

    @Test func `requests go out as they are, over one kept connection`() async throws {
        let server = try LoopbackServer.start { .answer(200, ["X-Seen": $0.target], $0.method) }
        for round in 0..<5 {
            let request = HTTPRequest(
                .put, url: server.endpoint + "/a/../b%2F%20//c?x=%2B&y=",
                headers: [HTTPHeader("x-round", "\(round)")], body: [1, 2, 3])
            let response = try await client.send(request)
            #expect(response.status == 200)
            #expect(response.headers["x-seen"] == "/a/../b%2F%20//c?x=%2B&y=")
            #expect(String(decoding: response.body, as: UTF8.self) == "PUT")
        }
        #expect(server.requests.map(\.body) == Array(repeating: [1, 2, 3], count: 5))
        #expect(server.requests.map { $0.headers["x-round"] } == (0..<5).map { "\($0)" })
        #expect(Set(server.requests.map(\.connection)) == [0])
        #expect(server.requests.allSatisfy { $0.headers["expect"] == nil })
    }

    @Test func `what must not be sent twice goes over a new connection`() async throws {
        let server = try LoopbackServer.start { _ in .answer(204) }
        let request = HTTPRequest(.put, url: server.endpoint, body: [1], maySendTwice: false)
        for _ in 0..<3 { _ = try await client.send(request) }
        #expect(server.requests.map(\.connection) == [0, 1, 2])
    }

    @Test func `a kept connection that was closed fails a careful request only once`() async throws
    {
        let server = try LoopbackServer.start { $0.method == "GET" ? .answer(200) : .close }
        _ = try await client.send(HTTPRequest(.get, url: server.endpoint))
        let error = await problem(
            HTTPRequest(.put, url: server.endpoint, body: [1], maySendTwice: false))
        #expect(error?.kind == .interrupted)
        #expect(error?.mayHaveArrived == true)
        #expect(server.requests.map(\.method) == ["GET", "PUT"])
    }

    @Test func `an answer that is too long is stopped, whether it says so or not`() async throws {
        let server = try LoopbackServer.start { request in
            request.target == "/declared"
                ? .answer(200, ["Content-Length": "99999999999"])
                : .raw("HTTP/1.1 200 OK\r\n\r\n" + String(repeating: "x", count: 100_000))
        }
        for path in ["/declared", "/endless"] {
            let request = HTTPRequest(.get, url: server.endpoint + path, responseLimit: 1000)
            let error = await problem(request)
            #expect(error?.kind == .tooLarge)
            #expect(error?.message.contains("1000 bytes") == true)
        }
    }

    @Test func `an answer that breaks off is no answer`() async throws {
        let server = try LoopbackServer.start { request in
            switch request.target {
            case "/body": .raw("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
            case "/head": .raw("HTTP/1.1 200 OK\r\nContent-Le")
            default: .close
            }
        }
        for path in ["/body", "/head", "/none"] {
            let error = await problem(HTTPRequest(.get, url: server.endpoint + path))
            #expect(error?.kind == .interrupted, "\(path): \(String(describing: error))")
            #expect(error?.mayHaveArrived == true)
        }
    }

    @Test func `a silent server is given up at the deadline`() async throws {
        let server = try LoopbackServer.start { _ in .hang }
        for deadlines in [
            HTTPDeadlines(total: .milliseconds(150)), HTTPDeadlines(stall: .seconds(1)),
        ] {
            let error = await problem(
                HTTPRequest(.put, url: server.endpoint, body: [1], deadlines: deadlines))
            #expect(error?.kind == .timedOut)
            #expect(error?.mayHaveArrived == true)
        }
    }

    @Test func `a cancelled task ends its transfer, before and in the middle`() async throws {
        let server = try LoopbackServer.start { _ in .hang }
        let url = server.endpoint
        let running = Task { await problem(HTTPRequest(.get, url: url)) }
        while server.requests.isEmpty { try await Task.sleep(for: .milliseconds(2)) }
        running.cancel()
        #expect(await running.value?.kind == .cancelled)
        let early = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return await problem(HTTPRequest(.get, url: url))
        }
        #expect(await early.value?.kind == .cancelled)
    }

    @Test func `requests past the limit wait their turn, or run out of time`() async throws {
        let server = try LoopbackServer.start { $0.target == "/hang" ? .hang : .answer(200) }
        let narrow = HTTPClient(HTTPClientSettings(connectionLimit: 1, connectionLimitByOrigin: 1))
        let url = server.endpoint
        let first = Task {
            try? await narrow.send(HTTPRequest(.get, url: url + "/hang"))
        }
        while server.requests.isEmpty { try await Task.sleep(for: .milliseconds(2)) }
        do throws(HTTPFailure) {
            let request = HTTPRequest(
                .get, url: url, deadlines: HTTPDeadlines(total: .milliseconds(100)))
            _ = try await narrow.send(request)
            Issue.record("the only connection was taken")
        } catch {
            #expect(error.kind == .timedOut)
            #expect(!error.mayHaveArrived)
        }
        async let second = narrow.send(HTTPRequest(.get, url: url))
        first.cancel()
        #expect(try await second.status == 200)
        _ = await first.value
    }

    @Test func `no server there, no such host, no such scheme`() async throws {
        let cases: [(String, HTTPFailure.Kind)] = [
            ("http://127.0.0.1:1/", .cannotConnect), ("http://no-such-host.invalid/", .unknownHost),
            ("ftp://127.0.0.1/", .badRequest), ("file:///etc/hostname", .badRequest),
        ]
        for (url, kind) in cases {
            let error = await problem(HTTPRequest(.get, url: url))
            #expect(error?.kind == kind, "\(url): \(String(describing: error))")
            #expect(error?.mayHaveArrived == false)
        }
    }

    @Test(.enabled(if: TLSServer.isPossible, "needs the openssl command"))
    func `an unknown certificate is refused until its authority is named`() async throws {
        let server = try await TLSServer()
        let request = HTTPRequest(.get, url: "https://localhost:\(server.port)/")
        let error = await problem(request)
        #expect(error?.kind == .untrusted, "\(String(describing: error))")
        #expect(error?.mayHaveArrived == false)
        let trusting = HTTPClient(HTTPClientSettings(caFile: server.certificate))
        #expect(try await trusting.send(request).status == 200)
        let byAnotherName = HTTPRequest(.get, url: "https://127.0.0.1:\(server.port)/")
        do throws(HTTPFailure) {
            _ = try await trusting.send(byAnotherName)
            Issue.record("the certificate is for localhost")
        } catch {
            #expect(error.kind == .untrusted)
        }
    }

    @Test func `a redirect is an answer, and is not followed`() async throws {
        let server = try LoopbackServer.start { _ in .answer(301, ["Location": "/elsewhere"]) }
        #expect(try await client.send(HTTPRequest(.get, url: server.endpoint)).status == 301)
        #expect(server.requests.count == 1)
    }
}

struct TransferQueueTests {
    private let now = Duration.seconds(100)

    /// The macro would evaluate a mutating call on a copy.
    private func expect<Value: Equatable>(
        _ found: Value, _ expected: Value, _ place: SourceLocation = #_sourceLocation
    ) {
        #expect(found == expected, sourceLocation: place)
    }

    @Test func `limits hold in all and by origin, and a full origin holds up no other`() {
        var queue = TransferQueue(totalLimit: 3, originLimit: 2)
        for id in UInt64(1)...4 { queue.add(id, origin: "a", deadline: now) }
        queue.add(5, origin: "b", deadline: now)
        queue.add(6, origin: "b", deadline: now)
        expect(queue.startNext(), 1)
        expect(queue.startNext(), 2)
        expect(queue.startNext(), 5)
        expect(queue.startNext(), nil)
        expect(queue.remove(1), .running)
        expect(queue.startNext(), 3)
        expect(queue.remove(4), .waiting)
        expect(queue.remove(4), nil)
        for id in [UInt64(2), 3, 5] { expect(queue.remove(id), .running) }
        expect(queue.startNext(), 6)
        expect(queue.remove(6), .running)
        #expect(queue.isEmpty)
    }

    @Test func `what waits too long is taken out, what runs is not`() {
        var queue = TransferQueue(totalLimit: 1, originLimit: 1)
        queue.add(1, origin: "a", deadline: now)
        queue.add(2, origin: "a", deadline: now + .seconds(1))
        queue.add(3, origin: "a", deadline: now + .seconds(2))
        expect(queue.startNext(), 1)
        #expect(queue.nextDeadline == now + .seconds(1))
        expect(queue.removeExpired(at: now + .seconds(1)), [2])
        #expect(queue.nextDeadline == now + .seconds(2))
        #expect(Set(queue.all) == [1, 3])
    }
}

/// A web server with a self-signed certificate for "localhost".
private final class TLSServer {
    static let isPossible: Bool = {
        guard let version = try? run("openssl", "version") else { return false }
        version.waitUntilExit()
        return version.terminationStatus == 0
    }()

    let port: Int
    let certificate: String
    private let folder: TemporaryFolder
    private let process: Process

    init() async throws {
        folder = try TemporaryFolder()
        certificate = folder.path("certificate.pem")
        let key = folder.path("key.pem")
        try Self.run(
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
            "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out",
            certificate
        ).waitUntilExit()
        // Most likely free; two runs of the tests have two numbers.
        port = 20_000 + Int(ProcessInfo.processInfo.processIdentifier) % 12_000
        process = try Self.run(
            "openssl", "s_server", "-accept", "\(port)", "-cert", certificate, "-key", key, "-www",
            "-quiet")
        let client = HTTPClient()
        while process.isRunning {
            let request = HTTPRequest(.get, url: "https://localhost:\(port)/")
            do throws(HTTPFailure) {
                _ = try await client.send(request)
            } catch {
                if error.kind != .cannotConnect { break }
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    deinit {
        process.terminate()
    }

    @discardableResult
    private static func run(_ command: String...) throws -> Process {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = command
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        return process
    }
}
