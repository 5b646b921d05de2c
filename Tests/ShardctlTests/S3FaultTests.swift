// shardctl through a connection that fails, against the real server: versions are whole or absent,
// answers right or refused, and a killed command completes when it is repeated.
import Foundation
import Glibc
import ObjectStore
import TesseraBase
import TestSupport
import Testing
import VectorCore

/// An index with one version and a draft for a second one, seen directly and through the proxy.
struct FaultyWorkplace: Sendable {
    let place: S3Workplace
    let proxy: FaultProxy

    init(_ proxy: FaultProxy? = nil, server: S3TestServer? = nil) async throws {
        let place = try S3Workplace(server: server)
        self.place = place
        if let proxy { self.proxy = proxy } else { self.proxy = try await FaultProxy.shared.value }
        try await onThread {
            try place.publishSample()
            try place.local.write("other.fbin", Matrix.sample(rows: 300, seed: 2))
            try place.mustRun("train", ["--vectors", "other.fbin", "--shard-size", "150"])
        }
    }

    /// The name that all requests of this index have in them.
    var scope: String { place.address.split(separator: "/").last.map(String.init) ?? "" }

    static let versionCreate = "/photos/versions/"

    func set(_ rules: FaultRule...) async throws { try await proxy.set(rules, for: scope) }

    func report() async throws -> FaultReport { try await proxy.report(scope) }

    func waitUntilHolding() async throws { try await proxy.waitUntilHolding(in: scope) }

    private var through: [String: String] { ["AWS_ENDPOINT_URL_S3": proxy.endpoint] }

    /// Runs shardctl through the proxy to its end.
    func run(_ command: String, _ more: [String] = [], variables: [String: String] = [:])
        async throws -> Outcome
    {
        let all = through.merging(variables) { _, new in new }
        return try await onThread { try place.run(command, more, variables: all) }
    }

    /// Starts shardctl through the proxy without waiting for it.
    func start(_ command: String, _ more: [String] = []) throws -> Program {
        try place.start(command, more, variables: through)
    }

    /// Runs shardctl directly; it must succeed.
    @discardableResult
    func direct(_ command: String, _ more: [String] = []) async throws -> Outcome {
        try await onThread { try place.mustRun(command, more) }
    }

    /// Checks the version numbers, that each version is sound, and that nothing else is visible.
    func expectVersions(_ numbers: [Int], sourceLocation: SourceLocation = #_sourceLocation)
        async throws
    {
        let keys = try await place.bucket.list(prefix: "photos/versions/").map(\.key)
        #expect(keys.count == numbers.count, "\(keys)", sourceLocation: sourceLocation)
        for number in numbers {
            let verify = try await direct("verify", ["--at", "\(number)"])
            #expect(verify.output.hasSuffix("all sound\n"), sourceLocation: sourceLocation)
        }
    }

    /// Publishes the rest, after which there are two versions and no draft.
    func publishAgain() async throws {
        let draft = try await place.bucket.list(prefix: "photos/drafts/").map(\.key)
        if !draft.isEmpty {
            let again = try await direct("publish")
            #expect(again.output.contains("version 2"), "\(again.output)")
        }
        try await expectVersions([1, 2])
        #expect(try await place.bucket.list(prefix: "photos/drafts/").isEmpty)
    }
}

@Suite(
    .enabled(if: S3TestServer.isGiven, Comment(rawValue: S3TestServer.hint)),
    .timeLimit(.minutes(5)))
struct S3FaultTests {
    @Test(arguments: [
        FaultRule.answer(503, "SlowDown", retryAfter: 0.1), .answer(500, "InternalError"),
        .answer(500, "InternalError", applied: true), FaultRule(.reset),
        FaultRule(.reset, applied: true), FaultRule(.tear, bytes: 100),
        FaultRule(.garble, bytes: 100),
    ])
    func `a publish whose version create fails on the way makes one version`(rule: FaultRule)
        async throws
    {
        let faulty = try await FaultyWorkplace()
        try await faulty.set(rule.on("PUT", FaultyWorkplace.versionCreate, times: 2))
        let outcome = try await faulty.run("publish")
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output.hasPrefix("published version 2 (300 vectors)\n"))
        #expect(try await faulty.report().fired == [2])
        try await faulty.publishAgain()
    }

    @Test(
        arguments: [
            FaultRule(.truncate, bytes: 100), FaultRule(.flip, bytes: 40), FaultRule(.reset),
            .answer(503, "SlowDown", retryAfter: 0.05),
        ], [[], ["--cache", "cache"]])
    func `a query through a line that cuts off and changes what is read gives the right answer`(
        rule: FaultRule, more: [String]
    ) async throws {
        let faulty = try await FaultyWorkplace()
        let place = faulty.place
        let expected = try await onThread { try place.hits() }
        try await faulty.set(
            rule.on("GET", "/routers/", times: 1), rule.on("GET", "/shards/", skip: 2, times: 1))
        let outcome = try await faulty.run("query", S3Workplace.query + more)
        #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
        #expect(outcome.lines == expected)
        #expect(try await faulty.report().fired == [1, 1])
        // No damaged object was kept.
        try await faulty.set()
        #expect(try await faulty.run("query", S3Workplace.query + more).lines == expected)
    }

    @Test func `shards that are changed on every reading are named, and give no answer`()
        async throws
    {
        let faulty = try await FaultyWorkplace()
        try await faulty.set(FaultRule(.flip, bytes: 40).on("GET", "/shards/"))
        let outcome = try await faulty.run("query", S3Workplace.query)
        expectComplaint(outcome, status: 76, says: ["shards/", "checksum"])
        #expect(try await faulty.report().fired[0] > 1)
    }

    @Test(
        arguments: ["PUT /photos/claims/", "GET /photos/shards/", "PUT /photos/versions/"],
        [false, true])
    func `a publish killed at any request leaves the version whole or absent`(
        request: String, applied: Bool
    ) async throws {
        let faulty = try await FaultyWorkplace()
        let words = request.split(separator: " ").map(String.init)
        try await faulty.set(
            FaultRule(.hold, applied: applied).on("^\(words[0])$", words[1], times: 1))
        let program = try faulty.start("publish")
        try await faulty.waitUntilHolding()
        program.send(SIGKILL)
        let outcome = try await onThread { program.wait() }
        #expect(outcome.status == 128 + SIGKILL && outcome.output.isEmpty)
        let isThere = applied && words[1] == FaultyWorkplace.versionCreate
        try await faulty.expectVersions(isThere ? [1, 2] : [1])
        try await faulty.publishAgain()
    }

    @Test(arguments: ["list", "publish", "query"])
    func `expired keys are told at once, with the mend`(command: String) async throws {
        let faulty = try await FaultyWorkplace()
        try await faulty.set(.answer(400, "ExpiredToken"))
        let more = command == "query" ? S3Workplace.query : []
        let outcome = try await faulty.run(command, more)
        expectComplaint(outcome, status: 69, says: ["ExpiredToken", "renew AWS_SESSION_TOKEN"])
        // Each request once: a repetition would be refused again.
        #expect(try await faulty.report().seen <= 2)
        try await faulty.publishAgain()
    }

    @Test(arguments: [1, 3, 6, 9])
    func `keys that expire during a publish leave the version absent`(skip: Int) async throws {
        let faulty = try await FaultyWorkplace()
        try await faulty.set(.answer(400, "ExpiredToken").on(skip: skip))
        let outcome = try await faulty.run("publish")
        expectComplaint(outcome, status: 69, says: ["renew AWS_SESSION_TOKEN"])
        #expect(try await faulty.report().fired[0] > 0)
        try await faulty.expectVersions([1])
        try await faulty.publishAgain()
    }

    @Test(.enabled(if: SmallDisk.isPermitted, "mounting a small tmpfs is not permitted here"))
    func `a full cache disk slows a query down and changes no answer`() async throws {
        let place = try S3Workplace()
        let folder = try TemporaryFolder()
        try await onThread {
            let disk = try SmallDisk(folder.url.path, kilobytes: 24)
            try place.publishSample()
            let expected = try place.hits(["--cache", "roomy"])
            let wanted = try bytes(in: place.local.folder.path("roomy"))
            #expect(wanted > 24 << 10, "\(wanted) bytes fill no disk")
            for _ in 0..<2 {
                #expect(try place.hits(["--cache", disk.path]) == expected)
            }
            #expect(try bytes(in: disk.path) <= 24 << 10)
        }
    }

    private func bytes(in folder: String) throws -> Int {
        try FileManager.default.subpathsOfDirectory(atPath: folder).reduce(0) { sum, name in
            let entry = try FileManager.default.attributesOfItem(atPath: folder + "/" + name)
            let isFile = entry[.type] as? FileAttributeType == .typeRegular
            return sum + (isFile ? entry[.size] as? Int ?? 0 : 0)
        }
    }
}
