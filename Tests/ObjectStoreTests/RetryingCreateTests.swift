// Put-if-absent when answers are lost: who won is found out, never guessed.
import ObjectStore
import TesseraBase
import Testing

struct RetryingCreateTests {
    private static let ours: [UInt8] = [1, 2, 3]
    private static let theirs: [UInt8] = [9, 9]

    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        let script: [Step]
        /// Whether we won; nil is an error that says that it is not known.
        let won: Bool?
        var exists = false
        var requests: [String]
        var testDescription: String { name }
    }

    @Test(arguments: [
        Row(name: "no fault", script: [], won: true, requests: ["create k"]),
        Row(
            name: "another writer was first", script: [], won: false, exists: true,
            requests: ["create k"]),
        Row(
            name: "refused, then free", script: [.fail(.refused)], won: true,
            requests: ["create k", "create k"]),
        Row(
            name: "refused, then taken", script: [.fail(.refused)], won: false, exists: true,
            requests: ["create k", "create k"]),
        Row(
            name: "applied, then timeout", script: [.applyThenHang], won: true,
            requests: ["create k", "create k", "get k"]),
        Row(
            name: "applied, then 500", script: [.applyThenFail(.internalError)], won: true,
            requests: ["create k", "create k", "get k"]),
        Row(
            name: "not applied, then timeout", script: [.hang], won: true,
            requests: ["create k", "create k"]),
        Row(
            name: "not applied, then 500", script: [.fail(.internalError)], won: true,
            requests: ["create k", "create k"]),
        Row(
            name: "another writer won meanwhile",
            script: [.othersWin(theirs, .internalError)], won: false,
            requests: ["create k", "create k", "get k"]),
        Row(
            name: "another writer was first and the answer was lost", script: [.hang], won: false,
            exists: true, requests: ["create k", "create k", "get k"]),
        Row(
            name: "applied, and the read fails once",
            script: [.applyThenFail(.internalError), .pass, .fail(.refused)], won: true,
            requests: ["create k", "create k", "get k", "get k"]),
        Row(
            name: "applied, and may not be read",
            script: [.applyThenFail(.internalError), .pass, .fail(.denied)], won: nil,
            requests: ["create k", "create k", "get k"]),
        Row(
            name: "applied, then denied", script: [.applyThenHang, .fail(.denied)], won: true,
            requests: ["create k", "create k", "get k"]),
        Row(
            name: "lost, then denied", script: [.hang, .fail(.denied)], won: nil,
            requests: ["create k", "create k", "get k"]),
        Row(
            name: "denied", script: [.fail(.denied)], won: nil, requests: ["create k"]),
    ])
    func `the winner is found out`(row: Row) async throws {
        let clock = TestClock()
        let base = ScriptedStore(row.script, clock: clock)
        if row.exists { try await base.base.put("k", Self.theirs) }
        let store = RetryingStore(base, clock: clock.steady, jitter: jitter(0.5))
        if let won = row.won {
            #expect(try await store.create("k", Self.ours) == won)
            #expect(try await base.base.get("k") == (won ? Self.ours : Self.theirs))
        } else {
            let error = await failure { _ = try await store.create("k", Self.ours) }
            #expect(error?.code == .unavailable)
            #expect(error?.message.contains("403 AccessDenied") == true)
            if row.requests.count > 1 {
                #expect(error?.message.contains("look at 'k' in test://bucket") == true)
            }
        }
        #expect(base.requests == row.requests)
    }

    @Test func `giving up on creating still looks whether it was written`() async throws {
        let clock = TestClock()
        let base = ScriptedStore(
            Array(repeating: .applyThenFail(.internalError), count: 10), clock: clock)
        let store = RetryingStore(base, clock: clock.steady, jitter: jitter(1))
        // The second try finds the object; it answers "exists", but that answer is lost as well.
        #expect(try await store.create("k", Self.ours))
        #expect(base.requests.last == "get k")
    }

    @Test func `all of it hangs, and ends in time`() async throws {
        let clock = TestClock()
        let base = ScriptedStore(Array(repeating: .hang, count: 30), clock: clock)
        let store = RetryingStore(base, clock: clock.steady, jitter: jitter(1))
        let error = await failure { _ = try await store.create("k", Self.ours) }
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("whether it was written is not known") == true)
        #expect(error?.message.contains("reading it back failed too") == true)
        #expect(clock.now <= .seconds(121))
    }

    @Test func `nothing there after lost answers may still appear`() async throws {
        let clock = TestClock()
        let base = ScriptedStore(Array(repeating: .fail(.internalError), count: 10), clock: clock)
        let store = RetryingStore(base, clock: clock.steady, jitter: jitter(0))
        let error = await failure { _ = try await store.create("k", Self.ours) }
        #expect(error?.message.hasPrefix("cannot create k: 500 InternalError (gave up") == true)
        #expect(error?.message.contains("may still appear") == true)
        #expect(error?.code == .unavailable)
    }
}
