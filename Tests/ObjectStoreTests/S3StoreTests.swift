// The S3 store against a real server: what the conformance suite does not ask of every store.
import Foundation
import ObjectStore
import TesseraBase
import TestSupport
import Testing

@Suite(.enabled(if: S3TestServer.isGiven, Comment(rawValue: S3TestServer.hint)))
struct S3StoreTests {
    let server: S3TestServer

    init() throws {
        server = try #require(S3TestServer.given)
    }

    @Test(arguments: [
        "a b", "a+b", "a=b", "a&b", "a:b", "a@b", "a,b", "(a)", "a'b", "a$b", "a!b", "a;b", "a*b",
        "a?b#c", "a%20b%2F", "a\"b<c>", "a\\b|c^d`e", "é/ü/ß", "日本語/キー", "🦉/x", "~a_b-c.d", "...a",
        "a{b}[c]",
    ])
    func `odd keys go there and back`(key: String) async throws {
        let store = try server.emptyStore()
        try await store.put(key, Array(key.utf8))
        #expect(try await store.get(key) == Array(key.utf8))
        #expect(try await store.get(key, range: 0..<1) == [key.utf8.first])
        #expect(try await store.list(prefix: String(key.prefix(1))).map(\.key) == [key])
        #expect(try await store.create(key, []) == false)
        try await store.delete([key])
        #expect(try await store.head(key) == nil)
    }

    @Test func `lists go on past one page, and so do batch deletes`() async throws {
        let store = try server.emptyStore()
        let keys = (0..<1105).map { "n/\(1_000_000 + $0)" }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for key in keys { group.addTask { try await store.put(key, [7]) } }
            try await group.waitForAll()
        }
        #expect(try await store.list(prefix: "").map(\.key) == keys)
        #expect(try await store.list(prefix: "n/10011").count == 5)
        #expect(try await store.subfolders(of: "") == ["n"])
        try await store.delete(keys)
        #expect(try await store.list(prefix: "").isEmpty)
    }

    @Test func `sixteen racing creators have one winner, every time`() async throws {
        let store = try server.emptyStore()
        for round in 0..<20 {
            let wins = try await withThrowingTaskGroup(of: Bool.self) { group in
                for writer in UInt8(0)..<16 {
                    group.addTask { try await store.create("v/\(round)", [writer]) }
                }
                return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(wins == 1)
        }
    }

    @Test func `a long object is put in parts and replaced whole`() async throws {
        var settings = server.settings
        settings.multipartThreshold = 6 << 20
        settings.partBytes = 5 << 20
        let store = try server.emptyStore(settings)
        try await store.put("big", [1])
        let bytes = (0..<(12 << 20) + 17).map {
            UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7)
        }
        try await store.put("big", bytes)
        #expect(try await store.get("big") == bytes)
        #expect(try await store.head("big")?.size == UInt64(bytes.count))
        #expect(try await left(store).isEmpty)
    }

    @Test func `more than 64 MiB go in parts by themselves`() async throws {
        let store = try server.emptyStore()
        let bytes = [UInt8](repeating: 3, count: 65 << 20)
        try await store.put("big", bytes)
        #expect(try await store.get("big").count == bytes.count)
        try await store.delete("big")
    }

    /// Often: what a part in flight does to an upload that is taken back depends on where the
    /// cancellation meets it.
    @Test(arguments: 0..<20) func `a cancelled put in parts leaves neither object nor parts`(
        round: Int
    ) async throws {
        var settings = server.settings
        settings.multipartThreshold = 6 << 20
        settings.partBytes = 5 << 20
        settings.requestsPerCall = 1
        let store = try server.emptyStore(settings)
        let bytes = [UInt8](repeating: 3, count: 64 << 20)
        let task = Task { await failure { try await store.put("big", bytes) } }
        while try await left(store).isEmpty { try await Task.sleep(for: .milliseconds(2)) }
        task.cancel()
        #expect(await task.value?.code == .cancelled)
        #expect(try await store.head("big") == nil)
        #expect(try await left(store).isEmpty)
    }

    private func left(_ store: PrefixedStore) async throws -> [ObjectInfo] {
        try await store.staleTemporaryFiles(
            prefix: "", olderThan: .distantFuture, apply: false)
    }

    @Test func `a wrong key, secret, clock, bucket or host is told in the first line`() async throws
    {
        let late = WallClock.fixed(Date(timeIntervalSinceNow: 3600))
        var nowhere = server.settings
        nowhere.endpoint = "http://127.0.0.1:1"
        var unknown = server.settings
        unknown.endpoint = "http://no-such-host.invalid"
        let cases: [(S3Store, ErrorCode, [String])] = [
            (try server.store(access: "nobody"), .unavailable, ["InvalidAccessKeyId", "403"]),
            (
                try server.store(secret: "wrong"), .unavailable,
                ["SignatureDoesNotMatch", "AWS_SECRET"]
            ),
            (try server.store(clock: late), .unavailable, ["RequestTimeTooSkewed", "s ahead of"]),
            (try server.store(bucket: "no-such-bucket"), .notFound, ["no bucket 'no-such-bucket'"]),
            (try server.store(nowhere), .unavailable, ["127.0.0.1:1", "check that the endpoint"]),
            (
                try server.store(unknown), .unavailable,
                ["no-such-host.invalid", "check the endpoint"]
            ),
        ]
        for (store, code, words) in cases {
            let errors = [
                await failure { _ = try await store.get("test/x") },
                await failure { _ = try await store.list(prefix: "") },
                await failure { _ = try await store.create("test/x", [1]) },
            ]
            for error in errors {
                #expect(error?.code == code)
                let message = error?.message ?? ""
                #expect(words.allSatisfy { message.contains($0) }, "\(message)")
                #expect(!message.contains("\n") && !message.contains(server.secretKey))
            }
        }
        let head = await failure { _ = try await server.store(secret: "wrong").head("test/x") }
        #expect(head?.message.contains("SignatureDoesNotMatch") == true)
    }

    @Test func `an empty range of a missing object is notFound`() async throws {
        let store = try server.emptyStore()
        #expect(await failure { _ = try await store.get("x", range: 0..<0) }?.code == .notFound)
        try await store.put("x", [1])
        #expect(try await store.get("x", range: 1..<1) == [])
        #expect(
            await failure { _ = try await store.get("x", range: 2..<2) }?.code == .invalidArgument)
    }
}
