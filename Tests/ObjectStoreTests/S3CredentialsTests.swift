// Where keys come from: files, variables, and services that a loopback server stands in for.
import Foundation
import HTTPClient
import ObjectStore
import Synchronization
import TesseraBase
import TestSupport
import Testing

struct S3CredentialsTests {
    private let client = HTTPClient()
    private static let document = """
        {"Code": "Success", "AccessKeyId": "AK", "SecretAccessKey": "SK", "Token": "T",
         "Expiration": "2030-01-02T03:04:05Z"}
        """
    private let expected = Date(timeIntervalSince1970: 1_893_553_445)

    @Test func `the environment gives both halves or none`() async throws {
        var variables = ["AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s"]
        let plain = try await EnvironmentCredentials(variables).credentials()
        #expect(plain?.accessKey == "a")
        #expect(plain?.sessionToken == nil)
        variables["AWS_SESSION_TOKEN"] = "t"
        #expect(try await EnvironmentCredentials(variables).credentials()?.sessionToken == "t")
        #expect(try await EnvironmentCredentials([:]).credentials() == nil)
        variables["AWS_SECRET_ACCESS_KEY"] = nil
        let half = EnvironmentCredentials(variables)
        let error = await failure { _ = try await half.credentials() }
        #expect(error?.message.contains("AWS_SECRET_ACCESS_KEY is not set") == true)
    }

    @Test func `a profile of the shared file is read, or said to be missing`() async throws {
        let folder = try TemporaryFolder()
        let text = """
            [default]
            aws_access_key_id = A1
            aws_secret_access_key = S1
            [work]
            aws_access_key_id = A2
            aws_secret_access_key = S2
            aws_session_token = T2
            [half]
            aws_access_key_id = A3
            """
        let path = try folder.write("credentials", Data(text.utf8))
        func found(_ profile: String?, _ path: String) async throws -> Credentials? {
            var variables = ["AWS_SHARED_CREDENTIALS_FILE": path]
            variables["AWS_PROFILE"] = profile
            return try await SharedFileCredentials(variables).credentials()
        }
        #expect(try await found(nil, path)?.secretKey == "S1")
        #expect(try await found("work", path)?.sessionToken == "T2")
        let cases: [(String?, String, String)] = [
            ("none", path, "has no profile 'none'"), ("half", path, "lacks"),
            (nil, path + "-not", "there is no file"),
        ]
        for (profile, path, words) in cases {
            let error = await failure { _ = try await found(profile, path) }
            #expect(error?.message.contains(words) == true)
        }
        let nowhere = SharedFileCredentials(["HOME": folder.path("nobody")])
        #expect(try await nowhere.credentials() == nil)
    }

    @Test func `the config file gives the profile's region`() throws {
        let folder = try TemporaryFolder()
        let text = "[default]\nregion = r1\n[profile work]\nregion = r2\n"
        var variables = ["AWS_CONFIG_FILE": try folder.write("config", Data(text.utf8))]
        #expect(SharedFiles(variables).region() == "r1")
        variables["AWS_PROFILE"] = "work"
        #expect(SharedFiles(variables).region() == "r2")
    }

    @Test func `an instance's role is asked for with a session token`() async throws {
        let server = try LoopbackServer.start { request in
            switch (request.method, request.target) {
            case ("PUT", "/latest/api/token"): return .answer(200, [:], "session")
            case (_, _) where request.headers["x-aws-ec2-metadata-token"] != "session":
                return .answer(401)
            case (_, "/latest/meta-data/iam/security-credentials/"):
                return .answer(200, [:], "my-role\n")
            case (_, "/latest/meta-data/iam/security-credentials/my-role"):
                return .answer(200, [:], Self.document)
            default: return .answer(404)
            }
        }
        var variables = ["AWS_EC2_METADATA_SERVICE_ENDPOINT": server.endpoint + "/"]
        let keys = try await InstanceCredentials(variables, client: client).credentials()
        #expect(keys?.accessKey == "AK")
        #expect(keys?.sessionToken == "T")
        #expect(keys?.expiry == expected)
        #expect(server.requests.first?.headers["x-aws-ec2-metadata-token-ttl-seconds"] == "21600")
        variables["AWS_EC2_METADATA_DISABLED"] = "true"
        #expect(try await InstanceCredentials(variables, client: client).credentials() == nil)
        let nobody = ["AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:1"]
        #expect(try await InstanceCredentials(nobody, client: client).credentials() == nil)
    }

    @Test func `a container's service is asked with its token, and only near by`() async throws {
        let folder = try TemporaryFolder()
        let server = try LoopbackServer.start { request in
            request.headers["authorization"] == "Bearer x" && request.target == "/keys?a=b"
                ? .answer(200, [:], Self.document) : .answer(403)
        }
        var variables = [
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": server.endpoint + "/keys?a=b",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE":
                try folder.write("token", Data("Bearer x\n".utf8)),
        ]
        #expect(
            try await ContainerCredentials(variables, client: client).credentials()?.secretKey
                == "SK")
        variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = nil
        let refused = ContainerCredentials(variables, client: client)
        #expect(
            await failure { _ = try await refused.credentials() }?.message.contains("403") == true)
        variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://example.com/keys"
        let far = ContainerCredentials(variables, client: client)
        #expect(await failure { _ = try await far.credentials() }?.code == .invalidArgument)
        #expect(try await ContainerCredentials([:], client: client).credentials() == nil)
    }

    @Test func `a web identity is exchanged for a role's keys`() async throws {
        let folder = try TemporaryFolder()
        let server = try LoopbackServer.start { request in
            let form = String(decoding: request.body, as: UTF8.self)
            guard form.contains("WebIdentityToken=tok%2Fen%3D"), form.contains("RoleArn=arn%3Aaws")
            else {
                return .answer(
                    403, [:],
                    "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"
                )
            }
            return .answer(
                200, [:],
                """
                <AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
                <AssumeRoleWithWebIdentityResult><Credentials><SessionToken>T</SessionToken>
                <SecretAccessKey>SK</SecretAccessKey><Expiration>2030-01-02T03:04:05Z</Expiration>
                <AccessKeyId>AK</AccessKeyId></Credentials></AssumeRoleWithWebIdentityResult>
                </AssumeRoleWithWebIdentityResponse>
                """)
        }
        var variables = [
            "AWS_WEB_IDENTITY_TOKEN_FILE": try folder.write("token", Data("tok/en=\n".utf8)),
            "AWS_ROLE_ARN": "arn:aws:iam::1:role/x", "AWS_ENDPOINT_URL_STS": server.endpoint,
        ]
        let keys = try await CredentialsChain.standard(variables, region: "r", client: client)
            .credentials()
        #expect(keys?.accessKey == "AK")
        #expect(keys?.expiry == expected)
        variables["AWS_ROLE_ARN"] = "other"
        let refused = WebIdentityCredentials(variables, region: "r", client: client)
        let error = await failure { _ = try await refused.credentials() }
        #expect(error?.message.contains("AccessDenied: no") == true)
        #expect(error?.message.contains("tok/en") == false)
    }

    @Test func `where nothing is set up, the places are named`() async throws {
        let variables = ["AWS_EC2_METADATA_DISABLED": "true", "HOME": "/nonexistent"]
        let chain = CredentialsChain.standard(variables, region: "r", client: client)
        let error = await failure { _ = try await chain.credentials() }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message.contains("'/nonexistent/.aws/credentials'") == true)
    }

    @Test func `damaged keys are refused and never shown`() async {
        for secret in ["", "a b", "a\nb", "ü"] {
            let error = await failure {
                _ = try Credentials(accessKey: "a", secretKey: secret, source: "here")
            }
            #expect(error?.message.contains("secret key from here") == true)
        }
        let keys = try? Credentials(accessKey: "AKIDxyz", secretKey: "hidden", source: "here")
        #expect("\(keys as Any)".contains("hidden") == false)
        #expect(String(reflecting: keys).contains("hidden") == false)
    }
}

/// Counts what it is asked and answers as it is told.
private final class CountingProvider: CredentialsProvider {
    let source = "the test"
    let calls = Atomic<Int>(0)
    let expiry = Mutex<Date?>(nil)
    let fails = Atomic<Bool>(false)

    func credentials() async throws(TesseraError) -> Credentials? {
        let call = calls.add(1, ordering: .relaxed).newValue
        try? await Task.sleep(for: .milliseconds(20))
        if fails.load(ordering: .relaxed) { throw TesseraError(.unavailable, "down") }
        return try Credentials(
            accessKey: "key\(call)", secretKey: "s", expiry: expiry.withLock { $0 }, source: source)
    }
}

struct CachedCredentialsTests {
    @Test func `many who ask at once cause one fetch`() async throws {
        let provider = CountingProvider()
        let cache = CachedCredentials(provider)
        let keys = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<20 { group.addTask { try await cache.credentials().accessKey } }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(keys == ["key1"])
        #expect(provider.calls.load(ordering: .relaxed) == 1)
    }

    @Test func `keys are renewed before they expire, and kept while renewal fails`() async throws {
        let time = Mutex(Date(timeIntervalSince1970: 1000))
        let clock = WallClock { time.withLock { $0 } }
        let provider = CountingProvider()
        provider.expiry.withLock { $0 = Date(timeIntervalSince1970: 5000) }
        let cache = CachedCredentials(provider, clock: clock)
        func move(to seconds: Double) {
            time.withLock { $0 = Date(timeIntervalSince1970: seconds) }
        }
        #expect(try await cache.credentials().accessKey == "key1")
        move(to: 4690)
        #expect(try await cache.credentials().accessKey == "key1")
        provider.fails.store(true, ordering: .relaxed)
        move(to: 4800)
        #expect(try await cache.credentials().accessKey == "key1")
        #expect(try await cache.credentials().accessKey == "key1")
        #expect(provider.calls.load(ordering: .relaxed) == 2)
        move(to: 5001)
        #expect(await failure { _ = try await cache.credentials() }?.message == "down")
        provider.fails.store(false, ordering: .relaxed)
        provider.expiry.withLock { $0 = nil }
        #expect(try await cache.credentials().accessKey == "key4")
        let stale = try await cache.credentials()
        await cache.forget(stale)
        #expect(try await cache.credentials().accessKey == "key5")
        await cache.forget(stale)
        #expect(try await cache.credentials().accessKey == "key5")
    }
}
