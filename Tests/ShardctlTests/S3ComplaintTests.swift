// Messages for a store on the network that cannot be used: the first line has the cause and the
// mend.
import Foundation
import ObjectStore
import TesseraBase
import TestSupport
import Testing
import VectorCore

@Suite(.enabled(if: S3TestServer.isGiven, Comment(rawValue: S3TestServer.hint)))
struct S3ComplaintTests {
    let place: S3Workplace

    init() throws {
        place = try S3Workplace()
    }

    @Test func `a wrong secret key`() throws {
        let outcome = try place.run("list", variables: ["AWS_SECRET_ACCESS_KEY": "wrong"])
        expectComplaint(
            outcome, status: 69,
            says: ["SignatureDoesNotMatch", "status 403", "check AWS_SECRET_ACCESS_KEY"])
    }

    @Test func `an unknown access key`() throws {
        let outcome = try place.run("list", variables: ["AWS_ACCESS_KEY_ID": "nobody"])
        expectComplaint(
            outcome, status: 69, says: ["InvalidAccessKeyId", "check AWS_ACCESS_KEY_ID"])
    }

    @Test func `a bucket that is not there`() throws {
        let outcome = try place.run("list", store: "s3://tessera-nowhere/idx")
        expectComplaint(outcome, status: 66, says: ["no bucket 'tessera-nowhere'", "create it"])
    }

    @Test(arguments: [
        ("http://127.0.0.1:9", "check that the endpoint is right"),
        ("http://no-such-host.invalid", "check the endpoint"),
    ])
    func `a closed port and an unknown host are given up after seconds, not minutes`(
        endpoint: String, mend: String
    ) throws {
        let outcome = try place.run("list", ["--s3-endpoint", endpoint])
        expectComplaint(
            outcome, status: 69, says: [mend, "nothing has answered there yet", "gave up after"])
    }

    @Test(arguments: ["file.txt", "s3://abc/c"])
    func `a cache that is no folder of this machine`(folder: String) throws {
        try place.local.write("file.txt", lines: ["not a folder"])
        let outcome = try place.run("list", ["--cache", folder])
        expectComplaint(outcome, status: 65, says: ["'\(folder)' cannot be", "folder"])
    }

    @Test func `--no-cold is refused before the store is asked anything`() throws {
        try place.local.write("q.fbin", Matrix.sample(rows: 5))
        let outcome = try place.run(
            "query", S3Workplace.query + ["--no-cold", "--s3-endpoint", "http://127.0.0.1:9"])
        expectComplaint(outcome, status: 78, says: [place.address, "only cold", "leave out"])
    }

    @Test func `a shard that was removed behind the index's back is named`() async throws {
        try place.publishSample()
        let key = try #require(try await place.shards().first)
        for key in try await place.shards() { try await place.bucket.delete(key) }
        let name = try #require("\(key)".split(separator: "/").last.map(String.init))
        let verify = try place.run("verify")
        #expect(verify.status != 0)
        #expect((verify.output + verify.errors).contains(name), "\(verify)")
        let query = try place.run("query", S3Workplace.query)
        expectComplaint(query, status: query.status, says: ["s3://", "photos/shards/"])
        #expect(query.status != 0)
    }

    @Test func `shards that were damaged in the bucket are named, and give no wrong answer`()
        async throws
    {
        try place.publishSample()
        let keys = try await place.shards()
        for key in keys {
            var bytes = try await place.bucket.get(key, range: nil)
            // Every 64th byte, so that whatever a query reads is damaged.
            for index in stride(from: 0, to: bytes.count, by: 64) { bytes[index] ^= 0x10 }
            try await place.bucket.put(key, bytes)
        }
        let verify = try place.run("verify")
        #expect(verify.status == 76, "\(verify.errors)")
        for key in keys { #expect((verify.output + verify.errors).contains("\(key)".shardName)) }
        let query = try place.run("query", S3Workplace.query)
        expectComplaint(query, status: 76, says: ["shards/"])
        #expect(keys.contains { query.errors.contains("\($0)".shardName) }, "\(query.errors)")
    }
}

extension String {
    /// The last part of a key.
    fileprivate var shardName: String { split(separator: "/").last.map(String.init) ?? self }
}
