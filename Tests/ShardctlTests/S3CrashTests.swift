// The S3 server itself is killed in the middle of a publish and restarted with its stored objects.
import Foundation
import ObjectStore
import TestSupport
import Testing
import VectorCore

/// A server of the test's own, whose objects are in files.
private final class CrashingServer: Sendable {
    private let folder: TemporaryFolder
    let server: S3TestServer

    init() throws {
        let folder = try TemporaryFolder()
        self.folder = folder
        let started = try Self.script("start", folder)
        let words = started.output.split { $0 == " " || $0 == "\n" }
        let variables = words.compactMap { word -> (String, String)? in
            guard let equals = word.firstIndex(of: "=") else { return nil }
            return (String(word[..<equals]), String(word[word.index(after: equals)...]))
        }
        guard let server = S3TestServer(Dictionary(variables) { $1 }) else {
            throw SpawnFailure(description: "the server does not start: \(started.errors)")
        }
        self.server = server
    }

    deinit {
        _ = try? Self.script("crash", folder)
    }

    func crash() throws { _ = try Self.script("crash", folder) }

    func resume() throws { _ = try Self.script("resume", folder) }

    private static func script(_ command: String, _ folder: TemporaryFolder) throws -> Outcome {
        let outcome = try Program(
            Python.script("s3-server.sh"), [command, folder.url.path], in: "/",
            environment: ["S3_DISK": "bluestore"]
        ).wait()
        guard outcome.status == 0 else { throw SpawnFailure(description: outcome.errors) }
        return outcome
    }
}

@Suite(
    .enabled(if: S3TestServer.isGiven, Comment(rawValue: S3TestServer.hint)),
    .timeLimit(.minutes(5)))
struct S3CrashTests {
    @Test func `a publish waits out a server that dies, before and after it wrote the version`()
        async throws
    {
        let crashing = try await onThread { try CrashingServer() }
        let proxy = try await onThread { try FaultProxy(before: crashing.server.endpoint) }
        let faulty = try await FaultyWorkplace(proxy, server: crashing.server)
        // The object is written, and the response is lost with the server.
        try await faulty.set(
            FaultRule(.hold, applied: true).on("PUT", FaultyWorkplace.versionCreate, times: 1))
        var program = try faulty.start("publish")
        try await faulty.waitUntilHolding()
        try await onThread {
            try crashing.crash()
            try crashing.resume()
        }
        try await faulty.set()
        var outcome = try await ended(program)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output.hasPrefix("published version 2 (300 vectors)\n"))
        try await faulty.expectVersions([1, 2])
        // The object is not written: the request goes on to a server that is not there.
        try await faulty.direct(
            "train", ["--vectors", "other.fbin", "--shard-size", "150", "--seed", "2"])
        try await faulty.set(
            FaultRule(.hold).on("PUT", FaultyWorkplace.versionCreate, times: 1))
        program = try faulty.start("publish")
        try await faulty.waitUntilHolding()
        try await onThread { try crashing.crash() }
        try await faulty.set()
        try await onThread { try crashing.resume() }
        outcome = try await ended(program)
        #expect(outcome.status == 0, "\(outcome.errors)")
        try await faulty.expectVersions([1, 2, 3])
        #expect(try await faulty.place.bucket.list(prefix: "photos/drafts/").isEmpty)
    }

    private func ended(_ program: Program) async throws -> Outcome {
        try await onThread { program.wait() }
    }
}
