// A workplace whose store is a folder of a bucket on the real S3 server.
import Foundation
import ObjectStore
import TesseraBase
import TestSupport
import Testing
import VectorCore

/// Runs shardctl on index `photos` in a folder of its own.
struct S3Workplace: Sendable {
    /// A local workplace for input files; its store holds the same index in a local folder.
    let local: Workplace
    let server: S3TestServer
    /// The folder of the bucket, accessed without shardctl.
    let bucket: PrefixedStore
    let address: String

    /// Creates the folder.
    ///
    /// - Parameter server: the server; nil takes the one that the environment names.
    init(server given: S3TestServer? = nil) throws {
        local = try Workplace()
        let server = try #require(given ?? S3TestServer.given)
        self.server = server
        let folder = "test/\(UUID().uuidString.lowercased())"
        bucket = try PrefixedStore(server.store(), folder: folder)
        address = "s3://\(server.bucket)/\(folder)"
    }

    /// The environment variables that AWS's tools read.
    var variables: [String: String] {
        [
            "AWS_ENDPOINT_URL_S3": server.endpoint, "AWS_ACCESS_KEY_ID": server.accessKey,
            "AWS_SECRET_ACCESS_KEY": server.secretKey, "AWS_SESSION_TOKEN": "",
            "AWS_REGION": "us-east-1",
        ]
    }

    /// Runs `shardctl command --store s3://… --index photos more`.
    func run(
        _ command: String, _ more: [String] = [], store: String? = nil, index: Bool = true,
        variables changed: [String: String] = [:]
    ) throws -> Outcome {
        try Program.run(
            [command, "--store", store ?? address] + (index ? ["--index", "photos"] : []) + more,
            in: local.folder.url.path,
            environment: variables.merging(changed) { _, new in new })
    }

    /// Starts the same command without waiting for it.
    func start(
        _ command: String, _ more: [String] = [], variables changed: [String: String] = [:]
    ) throws -> Program {
        try Program(
            Program.shardctl, [command, "--store", address, "--index", "photos"] + more,
            in: local.folder.url.path, environment: variables.merging(changed) { _, new in new })
    }

    /// Runs the same command, which must succeed without output to standard error.
    @discardableResult
    func mustRun(
        _ command: String, _ more: [String] = [], index: Bool = true,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Outcome {
        let outcome = try run(command, more, index: index)
        #expect(
            outcome.status == 0 && outcome.errors.isEmpty, "\(command) \(more): \(outcome.errors)",
            sourceLocation: sourceLocation)
        return outcome
    }

    /// Publishes 600 vectors in shards of 150; the first of them are the queries in `q.fbin`.
    func publishSample() throws {
        let base = Matrix.sample(rows: 600)
        try local.write("base.fbin", base)
        try local.write("q.fbin", base.firstRows(5))
        try local.write("ids.txt", lines: (0..<600).map { "photo-\($0).jpg" })
        try mustRun("train", Self.training)
        try mustRun("publish")
    }

    /// Few queries to measure recall with, so that publish does all its steps in little time.
    static let training = [
        "--vectors", "base.fbin", "--ids", "ids.txt", "--shard-size", "150", "--tune-queries", "20",
    ]
    static let query = ["--vectors", "q.fbin", "-k", "3"]

    /// The lines of the sample's answers.
    func hits(_ more: [String] = []) throws -> [String] {
        try mustRun("query", Self.query + more).lines
    }

    /// The keys of the shards, ascending, without the bucket's folder.
    func shards() async throws -> [ObjectKey] {
        try await bucket.list(prefix: "photos/shards/").map(\.key)
    }
}
