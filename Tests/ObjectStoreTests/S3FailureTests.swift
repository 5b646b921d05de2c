// What the S3 store makes of answers that go wrong: code, first line, and what a retry may rely on.
import Foundation
import HTTPClient
import ObjectStore
import TesseraBase
import Testing

struct S3FailureTests {
    private func store(
        _ handler: @escaping @Sendable (LoopbackServer.Request) -> LoopbackServer.Reply
    ) throws -> (S3Store, LoopbackServer) {
        let server = try LoopbackServer.start(handler)
        let keys = try Credentials(accessKey: "a", secretKey: "hidden", source: "the test")
        let settings = S3Settings(
            endpoint: server.endpoint, deadlines: HTTPDeadlines(stall: .seconds(1)))
        let store = try S3Store(
            bucket: "bucket", settings: settings,
            credentials: CachedCredentials(FixedCredentials(keys)),
            clock: .fixed(Date(timeIntervalSince1970: 1_700_000_000)))
        return (store, server)
    }

    private static func document(_ code: String, _ message: String = "told so") -> String {
        "<Error><Code>\(code)</Code><Message>\(message)</Message></Error>"
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let status: Int
        let code: String
        var headers: [String: String] = [:]
        var expected: ErrorCode = .unavailable
        var retryable = false
        var throttle = false
        var after: Duration?
        var unknown = false
        var words = ""
        var testDescription: String { "\(status) \(code)" }
    }

    @Test(arguments: [
        Case(
            status: 503, code: "SlowDown", headers: ["Retry-After": "2"], retryable: true,
            throttle: true, after: .seconds(2), unknown: true, words: "SlowDown: told so"),
        Case(
            status: 503, code: "", headers: ["Retry-After": "Tue, 14 Nov 2023 22:13:30 GMT"],
            retryable: true, throttle: true, after: .seconds(10), unknown: true),
        Case(status: 503, code: "ServiceUnavailable", retryable: true, unknown: true),
        Case(status: 500, code: "InternalError", retryable: true, unknown: true),
        Case(status: 429, code: "", retryable: true, throttle: true),
        Case(status: 409, code: "ConditionalRequestConflict", retryable: true),
        Case(status: 400, code: "RequestTimeout", retryable: true),
        Case(status: 400, code: "BadDigest", retryable: true),
        // Fixed keys stay the same, so another try would end the same way.
        Case(status: 400, code: "ExpiredToken", words: "renew AWS_SESSION_TOKEN"),
        Case(status: 403, code: "AccessDenied", words: "AccessDenied: told so (status 403)"),
        Case(status: 403, code: "QuotaExceeded", expected: .resourceExhausted),
        Case(
            status: 301, code: "PermanentRedirect", headers: ["x-amz-bucket-region": "eu-west-1"],
            words: "region 'eu-west-1', not 'us-east-1': set AWS_REGION"),
        Case(
            status: 403, code: "RequestTimeTooSkewed",
            headers: ["Date": "Tue, 14 Nov 2023 22:23:20 GMT"], words: "600 s behind the store's"),
        Case(status: 404, code: "NoSuchBucket", expected: .notFound, words: "no bucket 'bucket'"),
        Case(status: 418, code: ""),
    ])
    func `a refused put says why, and what may be done`(expected: Case) async throws {
        let body = expected.code.isEmpty ? "" : Self.document(expected.code)
        let (store, server) = try store { _ in .answer(expected.status, expected.headers, body) }
        let error = await failure { try await store.put("x", [1]) }
        let cause = try #require(error?.cause as? StoreFailure)
        #expect(error?.code == expected.expected)
        let message = error?.message ?? ""
        #expect(expected.words.isEmpty || message.contains(expected.words), "\(message)")
        #expect(error?.message.hasPrefix("cannot write 's3://bucket/x': ") == true)
        #expect(cause.status == expected.status)
        #expect(cause.isRetryable == expected.retryable)
        #expect(cause.isThrottle == expected.throttle)
        #expect(cause.retryAfter == expected.after)
        #expect(cause.outcomeUnknown == expected.unknown)
        #expect(server.requests.count == 1)
    }

    @Test func `a read's outcome is never unknown, a write without an answer always`() async throws
    {
        let (store, _) = try store { _ in .close }
        let read = await failure { _ = try await store.get("x") }?.cause as? StoreFailure
        #expect(read?.isRetryable == true)
        #expect(read?.outcomeUnknown == false)
        for error in [
            await failure { _ = try await store.create("x", [1]) },
            await failure { try await store.put("x", [1]) },
            await failure { try await store.delete("x") },
        ] {
            let cause = error?.cause as? StoreFailure
            #expect(cause?.status == nil)
            #expect(cause?.isRetryable == true)
            #expect(cause?.outcomeUnknown == true)
        }
    }

    @Test func `a range that is not the one asked for is not taken`() async throws {
        let wrong = ["Content-Range": "bytes 1-4/100"]
        for reply in [
            LoopbackServer.Reply.answer(206, wrong, "abcd"), .answer(206, [:], "abcd"),
            .answer(200, [:], "abcd"), .answer(206, ["Content-Range": "bytes 0-2/100"], "abc"),
            .answer(206, ["Content-Range": "bytes 0-3/99999999999999999999"], "abcd"),
        ] {
            let (store, _) = try store { _ in reply }
            let error = await failure { _ = try await store.get("x", range: 0..<4) }
            #expect(error != nil)
        }
        let (store, _) = try store { _ in
            .answer(206, ["Content-Range": "bytes 0-3/100"], "abcd")
        }
        #expect(try await store.get("x", range: 0..<4) == Array("abcd".utf8))
    }

    @Test func `lists that are broken or run in circles are refused`() async throws {
        let entry = "<Contents><Key>k</Key><Size>1</Size></Contents>"
        for body in [
            "", "<html></html>", "<ListBucketResult>",
            "<ListBucketResult>\(entry)</ListBucketResult>",
            "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
            "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken></ListBucketResult>",
        ] {
            let (store, server) = try store { _ in .answer(200, [:], body) }
            #expect(await failure { _ = try await store.list(prefix: "") }?.code == .unavailable)
            #expect(server.requests.count <= 2)
        }
    }

    @Test func `a completion that fails under a status of success fails`() async throws {
        let (store, server) = try store { request in
            switch (request.method, request.target) {
            case ("POST", "/bucket/x?uploads="):
                .answer(
                    200, [:],
                    "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
                )
            case ("PUT", _): .answer(200, ["ETag": "\"e\""])
            case ("POST", _): .answer(200, [:], Self.document("InternalError"))
            default: .answer(204)
            }
        }
        let bytes = [UInt8](repeating: 0, count: 65 << 20)
        let error = await failure { try await store.put("x", bytes) }
        let cause = error?.cause as? StoreFailure
        #expect(cause?.isRetryable == true)
        #expect(cause?.outcomeUnknown == true)
        #expect(server.requests.last?.method == "DELETE")
        #expect(server.requests.last?.target == "/bucket/x?uploadId=u")
        #expect(server.requests.filter { $0.method == "PUT" }.count == 5)
    }

    @Test func `keys refused as expired are asked for again`() async throws {
        let (server, provider) = (
            try LoopbackServer.start { request in
                request.headers["authorization"]?.contains("new") == true
                    ? .answer(200) : .answer(400, [:], Self.document("ExpiredToken"))
            }, TwoKeys()
        )
        let store = try S3Store(
            bucket: "bucket", settings: S3Settings(endpoint: server.endpoint),
            credentials: CachedCredentials(provider))
        #expect(await failure { try await store.put("x", [1]) } != nil)
        try await store.put("x", [1])
    }

    private actor TwoKeys: CredentialsProvider {
        nonisolated let source = "the test"
        private var name = "old"

        func credentials() async throws(TesseraError) -> Credentials? {
            defer { name = "new" }
            return try Credentials(accessKey: name, secretKey: "s", source: source)
        }
    }

    @Test func `unfinished uploads are seen page by page and swept by their age`() async throws {
        let (store, server) = try store { request in
            func upload(_ key: String, _ day: Int) -> String {
                "<Upload><Key>\(key)</Key><UploadId>u\(day)</UploadId>"
                    + "<Initiated>2023-11-0\(day)T00:00:00.000Z</Initiated></Upload>"
            }
            guard request.method == "GET" else { return .answer(204) }
            let isSecond = request.target.contains("key-marker=p%2Fb&")
            let page =
                isSecond
                ? upload("p/c", 3)
                : upload("p/a", 1) + upload("p/b", 8)
                    + "<IsTruncated>true</IsTruncated><NextKeyMarker>p/b</NextKeyMarker>"
                    + "<NextUploadIdMarker>u8</NextUploadIdMarker>"
            return .answer(
                200, [:], "<ListMultipartUploadsResult>\(page)</ListMultipartUploadsResult>")
        }
        let date = Date(timeIntervalSince1970: 1_699_142_400)
        let seen = try await store.staleTemporaryFiles(prefix: "p/", olderThan: date, apply: false)
        #expect(seen.map(\.key) == ["p/a", "p/c"])
        #expect(server.requests.allSatisfy { $0.method == "GET" })
        _ = try await store.staleTemporaryFiles(prefix: "p/", olderThan: date, apply: true)
        #expect(
            server.requests.filter { $0.method == "DELETE" }.map(\.target) == [
                "/bucket/p/a?uploadId=u1", "/bucket/p/c?uploadId=u3",
            ])
    }

    @Test func `a batch delete that fails for some names the first`() async throws {
        let (store, _) = try store { request in
            request.headers["content-md5"] == nil
                ? .answer(400)
                : .answer(
                    200, [:],
                    "<DeleteResult><Error><Key>b</Key><Code>AccessDenied</Code><Message>no</Message></Error></DeleteResult>"
                )
        }
        let error = await failure { try await store.delete(["a", "b"]) }
        #expect(error?.message.contains("1 of 2 objects") == true)
        #expect(error?.message.contains("'s3://bucket/b': AccessDenied: no") == true)
    }
}
