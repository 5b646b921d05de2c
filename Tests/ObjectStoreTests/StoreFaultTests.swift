// Every operation through a connection that fails, against the real server: it ends with the right
// bytes or with an error that says so, and the store holds what it should.
import Foundation
import ObjectStore
import TesseraBase
import TestSupport
import Testing

/// What is asked of the store.
enum FaultedOperation: String, CaseIterable, Sendable {
    case get, range, list, put, create
    /// The object is there already, from another writer.
    case createTaken
    case delete, deleteMany

    var method: String {
        switch self {
        case .get, .range, .list: "GET"
        case .put, .create, .createTaken: "PUT"
        case .delete: "DELETE"
        case .deleteMany: "POST"
        }
    }
}

/// What goes wrong with its requests.
enum StoreFault: String, CaseIterable, Sendable {
    case slowDown, serverError, serverErrorApplied, tooMany, reset, resetApplied, torn, garbled
    case truncated, flipped, hang, hangApplied

    var rule: FaultRule {
        switch self {
        case .slowDown: .answer(503, "SlowDown", retryAfter: 7)
        case .serverError: .answer(500, "InternalError")
        case .serverErrorApplied: .answer(500, "InternalError", applied: true)
        case .tooMany: .answer(429)
        case .reset: FaultRule(.reset)
        case .resetApplied: FaultRule(.reset, applied: true)
        case .torn: FaultRule(.tear, bytes: 500)
        case .garbled: FaultRule(.garble, bytes: 500)
        case .truncated: FaultRule(.truncate, bytes: 200)
        case .flipped: FaultRule(.flip, bytes: 200)
        case .hang: FaultRule(.hold)
        case .hangApplied: FaultRule(.hold, applied: true)
        }
    }

    /// Whether the server carries out what it was asked, though no answer tells.
    var isApplied: Bool { [.serverErrorApplied, .resetApplied, .hangApplied].contains(self) }
    var isHang: Bool { [.hang, .hangApplied].contains(self) }

    func canHit(_ operation: FaultedOperation) -> Bool {
        switch self {
        // Only these send bytes that are long enough.
        case .torn, .garbled: operation.method == "PUT"
        case .truncated: operation.method == "GET"
        // A range and a list carry no digest: the format's own checksums cover the one, see
        // S3FaultTests.
        case .flipped: operation == .get
        default: true
        }
    }
}

extension StoreFault {
    /// Whether reading back settles the operation: what was created is ours, what was there is not.
    func isSettled(_ operation: FaultedOperation) -> Bool {
        switch operation {
        case .create: isApplied
        // A refusal for certain is passed on as it is.
        case .createTaken: ![.tooMany, .garbled].contains(self)
        default: false
        }
    }
}

struct FaultCase: Sendable, CustomTestStringConvertible {
    let operation: FaultedOperation
    let fault: StoreFault
    var testDescription: String { "\(operation.rawValue), \(fault.rawValue)" }

    static let all = FaultedOperation.allCases.flatMap { operation in
        StoreFault.allCases.filter { $0.canHit(operation) }
            .map { FaultCase(operation: operation, fault: $0) }
    }
}

/// A folder of the bucket, seen directly and through the proxy.
struct FaultBench: Sendable {
    static let old = [UInt8](repeating: 1, count: 1000)
    static let new = (0..<2000).map { UInt8(truncatingIfNeeded: $0 * 7) }
    static let content = "shards/\(ContentDigest(of: new).hex).tsr"

    let proxy: FaultProxy
    let scope = UUID().uuidString.lowercased()
    let direct: PrefixedStore
    private let faulty: PrefixedStore

    init(_ settings: S3Settings? = nil) async throws {
        let server = try #require(S3TestServer.given)
        proxy = try await FaultProxy.shared.value
        var through = settings ?? server.settings
        through.endpoint = proxy.endpoint
        direct = try PrefixedStore(server.store(), folder: "test/\(scope)")
        faulty = try PrefixedStore(server.store(through), folder: "test/\(scope)")
    }

    /// The store as commands use it. No time passes but what the clock is told.
    func store(_ clock: TestClock) -> any ObjectStore {
        StoreStack(faulty, clock: clock.steady).store
    }

    /// The same with keys of its own.
    func store(_ keys: any CredentialsProvider) throws -> any ObjectStore {
        let server = try #require(S3TestServer.given)
        let bucket = try S3Store(
            bucket: server.bucket,
            settings: S3Settings(endpoint: proxy.endpoint, usesPathStyle: true),
            credentials: CachedCredentials(keys))
        let folder = try PrefixedStore(bucket, folder: "test/\(scope)")
        return StoreStack(folder, clock: TestClock().steady).store
    }

    /// Lets time pass for the clock whenever the proxy holds one more request, so that its deadline
    /// comes.
    func passTime(_ clock: TestClock) async throws {
        var rung = 0
        while !Task.isCancelled {
            let report = try await proxy.report(scope)
            if report.holding > 0, let fired = report.fired.first, fired > rung {
                rung = fired
                await clock.ringNextAlarm()
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// What is there before the operation.
    func prepare(_ operation: FaultedOperation) async throws {
        switch operation {
        case .get, .range, .list: try await direct.put(Self.content, Self.new)
        case .put, .createTaken: try await direct.put("x", Self.old)
        case .create: break
        case .delete: try await direct.put("x", Self.old)
        case .deleteMany: for key in ["x", "y"] { try await direct.put(key, Self.old) }
        }
    }

    /// Does it, and checks what it returned.
    func run(_ operation: FaultedOperation, on store: any ObjectStore) async throws {
        switch operation {
        case .get: #expect(try await store.get(Self.content) == Self.new)
        case .range:
            #expect(
                try await store.get(Self.content, range: 300..<1500) == Array(Self.new[300..<1500]))
        case .list: #expect(try await store.list(prefix: "").map(\.key) == [Self.content])
        case .put: try await store.put("x", Self.new)
        case .create: #expect(try await store.create("x", Self.new))
        case .createTaken: #expect(try await store.create("x", Self.new) == false)
        case .delete: try await store.delete("x")
        case .deleteMany: try await store.delete(["x", "y"])
        }
    }

    /// The same on a store whose time is `clock`.
    func run(_ operation: FaultedOperation, with clock: TestClock, passesTime: Bool) async throws {
        async let _ = passesTime ? passTime(clock) : ()
        try await run(operation, on: store(clock))
    }

    /// Checks what the store holds after the operation was carried out, or was not.
    func check(_ operation: FaultedOperation, isDone: Bool) async throws {
        var expected: [String: [UInt8]] =
            switch operation {
            case .get, .range, .list: [Self.content: Self.new]
            case .put: ["x": isDone ? Self.new : Self.old]
            case .create: isDone ? ["x": Self.new] : [:]
            case .createTaken: ["x": Self.old]
            case .delete: isDone ? [:] : ["x": Self.old]
            case .deleteMany: isDone ? [:] : ["x": Self.old, "y": Self.old]
            }
        for info in try await direct.list(prefix: "") {
            let bytes = try await direct.get(info.key, range: nil)
            #expect(expected.removeValue(forKey: info.key) == bytes, "\(info.key)")
        }
        #expect(expected.isEmpty, "lost: \(expected.keys)")
    }
}

@Suite(
    .enabled(if: S3TestServer.isGiven, Comment(rawValue: S3TestServer.hint)),
    .timeLimit(.minutes(5)))
struct StoreFaultTests {
    @Test(arguments: FaultCase.all)
    func `a fault that passes is not noticed`(item: FaultCase) async throws {
        let bench = try await FaultBench()
        let clock = TestClock()
        let (operation, fault) = (item.operation, item.fault)
        try await bench.prepare(operation)
        let times = fault.isHang || fault == .flipped ? 1 : 2
        try await bench.proxy.set(
            [fault.rule.on(operation.method, times: times)], for: bench.scope)
        try await bench.run(operation, with: clock, passesTime: fault.isHang)
        #expect(try await bench.proxy.report(bench.scope).fired == [times])
        try await bench.check(operation, isDone: true)
        if fault == .slowDown {
            #expect(clock.slept.count { $0 >= .seconds(7) } == times, "\(clock.slept)")
        }
    }

    @Test(arguments: FaultCase.all)
    func `a fault that stays is told, and nothing is lost`(item: FaultCase) async throws {
        let bench = try await FaultBench()
        let (operation, fault) = (item.operation, item.fault)
        try await bench.prepare(operation)
        try await bench.proxy.set([fault.rule.on(operation.method)], for: bench.scope)
        let error = await failure {
            try await bench.run(operation, with: TestClock(), passesTime: fault.isHang)
        }
        let fired = try await bench.proxy.report(bench.scope).fired
        #expect(fired[0] > 1)
        if fault.isSettled(operation) {
            #expect(error == nil, "\(String(describing: error))")
        } else {
            #expect(error?.code == (fault == .flipped ? .corrupted : .unavailable))
            let message = error?.message ?? ""
            let words = fault == .flipped ? "is damaged" : "gave up after"
            #expect(message.contains(words), "\(message)")
            let place = operation == .deleteMany ? bench.direct.address.prefix(8) : bench.scope[...]
            #expect(message.contains(place) && !message.contains("\n"), "\(message)")
        }
        try await bench.check(operation, isDone: fault.isApplied)
    }

    @Test(arguments: [
        FaultRule(.reset).on("PUT", "partNumber=2", times: 1),
        FaultRule(.tear, bytes: 1 << 20).on("PUT", "partNumber=1", times: 1),
        FaultRule(.garble, bytes: 1 << 20).on("PUT", "partNumber=2", times: 1),
        FaultRule(.reset).on("POST", "uploadId", times: 1),
        FaultRule(.reset, applied: true).on("POST", "uploadId", times: 1),
        .answer(503, "SlowDown", applied: true).on("POST", "uploadId", times: 1),
    ])
    func `an upload in parts that fails on the way is made whole, and leaves no parts behind`(
        rule: FaultRule
    ) async throws {
        var settings = try #require(S3TestServer.given).settings
        settings.multipartThreshold = 6 << 20
        settings.partBytes = 5 << 20
        let bench = try await FaultBench(settings)
        let bytes = (0..<(7 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) }
        try await bench.direct.put("big", FaultBench.old)
        try await bench.proxy.set([rule], for: bench.scope)
        try await bench.store(TestClock()).put("big", bytes)
        #expect(try await bench.proxy.report(bench.scope).fired == [1])
        #expect(try await bench.direct.get("big", range: nil) == bytes)
        let left = try await bench.direct.staleTemporaryFiles(
            prefix: "", olderThan: .distantFuture, apply: false)
        #expect(left.isEmpty)
    }

    @Test func `of writers whose answers are all lost, one has created the object, and knows it`()
        async throws
    {
        let bench = try await FaultBench()
        try await bench.proxy.set(
            [FaultRule(.reset, applied: true).on("PUT", times: 8)], for: bench.scope)
        let wins = try await withThrowingTaskGroup(of: UInt8?.self) { group in
            for writer in UInt8(0)..<8 {
                group.addTask {
                    let store = bench.store(TestClock())
                    return try await store.create("x", [writer]) ? writer : nil
                }
            }
            return try await group.reduce(into: []) { $0 += $1.map { [$0] } ?? [] }
        }
        #expect(try await bench.proxy.report(bench.scope).fired == [8])
        #expect(try await bench.direct.get("x", range: nil) == wins)
    }

    @Test func `keys that stay expired are not tried again; new ones are`() async throws {
        let bench = try await FaultBench()
        try await bench.prepare(.get)
        try await bench.proxy.set([.answer(400, "ExpiredToken")], for: bench.scope)
        let store = bench.store(TestClock())
        let error = await failure { try await bench.run(.get, on: store) }
        #expect(error?.message.contains("renew AWS_SESSION_TOKEN") == true)
        #expect(try await bench.proxy.report(bench.scope).seen == 1)
        try await bench.proxy.set([.answer(400, "ExpiredToken").on(times: 1)], for: bench.scope)
        let renewing = try bench.store(ChangingKeys())
        try await bench.run(.get, on: renewing)
        #expect(try await bench.proxy.report(bench.scope).fired == [1])
    }

    /// The server's keys, with another expiry each time they are asked for.
    private actor ChangingKeys: CredentialsProvider {
        nonisolated let source = "the test"
        private var count = 0.0

        func credentials() async throws(TesseraError) -> Credentials? {
            count += 1
            guard let server = S3TestServer.given else { return nil }
            return try Credentials(
                accessKey: server.accessKey, secretKey: server.secretKey,
                expiry: Date(timeIntervalSinceNow: 3600 * count), source: source)
        }
    }
}
