// Credentials that the machine or the container hands out over HTTP on a link-local address.
internal import Foundation
package import HTTPClient
package import TesseraBase

/// The document that both services answer with.
private struct MetadataDocument: Decodable {
    let accessKey: String
    let secretKey: String
    let token: String?
    let expiration: String?

    private enum CodingKeys: String, CodingKey {
        case accessKey = "AccessKeyId"
        case secretKey = "SecretAccessKey"
        case token = "Token"
        case expiration = "Expiration"
    }

    static func credentials(
        _ body: [UInt8], source: String
    ) throws(TesseraError) -> Credentials {
        let document: Self
        do {
            document = try JSONDecoder().decode(Self.self, from: Data(body))
        } catch {
            throw TesseraError(
                .unavailable, "\(source) answered with something that is no set of credentials")
        }
        return try Credentials(
            accessKey: document.accessKey, secretKey: document.secretKey,
            sessionToken: document.token,
            expiry: document.expiration.flatMap { S3Time.date(iso8601: $0) }, source: source)
    }
}

/// Credentials of an ECS or EKS container: `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` or
/// `AWS_CONTAINER_CREDENTIALS_FULL_URI`.
package struct ContainerCredentials: CredentialsProvider {
    package let source = "the container's credentials service"
    private let environment: [String: String]
    private let client: HTTPClient

    package init(_ environment: [String: String], client: HTTPClient) {
        self.environment = environment
        self.client = client
    }

    package func credentials() async throws(TesseraError) -> Credentials? {
        guard let url = try url() else { return nil }
        var request = HTTPRequest(.get, url: url, bypassesProxy: true)
        request.deadlines = HTTPDeadlines(connect: .seconds(2), total: .seconds(5))
        if let token = try await token() { request.headers = [HTTPHeader("authorization", token)] }
        let response = try await client.answer(to: request, from: source)
        guard response.isSuccess else {
            throw TesseraError(.unavailable, "\(source) answered with status \(response.status)")
        }
        return try MetadataDocument.credentials(response.body, source: source)
    }

    private func url() throws(TesseraError) -> String? {
        if let relative = environment.filled("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
            return "http://169.254.170.2" + relative
        }
        guard let full = environment.filled("AWS_CONTAINER_CREDENTIALS_FULL_URI") else {
            return nil
        }
        let hosts = [
            "localhost", "127.0.0.1", "[::1]", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]",
        ]
        let host = URLComponents(string: full)?.host ?? ""
        guard full.hasPrefix("https://") || hosts.contains(host) || hosts.contains("[\(host)]")
        else {
            throw TesseraError(
                .invalidArgument,
                "AWS_CONTAINER_CREDENTIALS_FULL_URI asks for credentials from '\(host)' without TLS; "
                    + "only this machine's own services may be asked that way")
        }
        return full
    }

    private func token() async throws(TesseraError) -> String? {
        if let path = environment.filled("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
            return try await TokenFile.read(path)
        }
        return environment.filled("AWS_CONTAINER_AUTHORIZATION_TOKEN")
    }
}

/// The role of an EC2 instance, by the second version of its metadata service.
package struct InstanceCredentials: CredentialsProvider {
    package let source = "the instance's metadata service"
    private let environment: [String: String]
    private let client: HTTPClient

    package init(_ environment: [String: String], client: HTTPClient) {
        self.environment = environment
        self.client = client
    }

    /// Nil without such a service, as on any machine that is no EC2 instance.
    package func credentials() async throws(TesseraError) -> Credentials? {
        guard environment["AWS_EC2_METADATA_DISABLED"]?.lowercased() != "true" else { return nil }
        let given = environment.filled("AWS_EC2_METADATA_SERVICE_ENDPOINT")
        var base = given ?? "http://169.254.169.254"
        while base.hasSuffix("/") { base.removeLast() }
        guard let session = try? await client.send(tokenRequest(base)), session.isSuccess else {
            return nil
        }
        let token = HTTPHeader(
            "x-aws-ec2-metadata-token", String(decoding: session.body, as: UTF8.self))
        let folder = base + "/latest/meta-data/iam/security-credentials/"
        let roles = try await get(folder, token)
        guard roles.status != 404 else { return nil }
        let role = String(decoding: roles.body, as: UTF8.self).split(whereSeparator: \.isNewline)
        guard roles.isSuccess, let name = role.first else {
            throw TesseraError(.unavailable, "\(source) answered with status \(roles.status)")
        }
        let answer = try await get(folder + URIEncoding.encode(String(name)), token)
        guard answer.isSuccess else {
            throw TesseraError(
                .unavailable, "\(source) answered with status \(answer.status) for role '\(name)'")
        }
        return try MetadataDocument.credentials(answer.body, source: source)
    }

    private func tokenRequest(_ base: String) -> HTTPRequest {
        HTTPRequest(
            .put, url: base + "/latest/api/token",
            headers: [HTTPHeader("x-aws-ec2-metadata-token-ttl-seconds", "21600")], body: [],
            deadlines: HTTPDeadlines(connect: .seconds(1), total: .seconds(2)), bypassesProxy: true)
    }

    private func get(_ url: String, _ token: HTTPHeader) async throws(TesseraError) -> HTTPResponse
    {
        let deadlines = HTTPDeadlines(connect: .seconds(1), total: .seconds(5))
        return try await client.answer(
            to: HTTPRequest(
                .get, url: url, headers: [token], deadlines: deadlines, bypassesProxy: true),
            from: source)
    }
}

/// A role for the token of a Kubernetes service account: `AWS_ROLE_ARN`,
/// `AWS_WEB_IDENTITY_TOKEN_FILE`.
package struct WebIdentityCredentials: CredentialsProvider {
    package let source = "the role of AWS_WEB_IDENTITY_TOKEN_FILE"
    private let environment: [String: String]
    private let region: String
    private let client: HTTPClient

    package init(_ environment: [String: String], region: String, client: HTTPClient) {
        self.environment = environment
        self.region = region
        self.client = client
    }

    package func credentials() async throws(TesseraError) -> Credentials? {
        guard let path = environment.filled("AWS_WEB_IDENTITY_TOKEN_FILE"),
            let role = environment.filled("AWS_ROLE_ARN")
        else { return nil }
        let form = [
            ("Action", "AssumeRoleWithWebIdentity"), ("Version", "2011-06-15"), ("RoleArn", role),
            ("RoleSessionName", environment.filled("AWS_ROLE_SESSION_NAME") ?? "tessera"),
            ("WebIdentityToken", try await TokenFile.read(path)),
        ].map { "\($0.0)=\(URIEncoding.encode($0.1))" }.joined(separator: "&")
        let endpoint =
            environment.filled("AWS_ENDPOINT_URL_STS") ?? "https://sts.\(region).amazonaws.com"
        let request = HTTPRequest(
            .post, url: endpoint.hasSuffix("/") ? endpoint : endpoint + "/",
            headers: [HTTPHeader("content-type", "application/x-www-form-urlencoded")],
            body: Array(form.utf8)[...], deadlines: HTTPDeadlines(total: .seconds(20)))
        let response = try await client.answer(to: request, from: "the token service")
        let tree = try? XMLTree(response.body)
        guard response.isSuccess,
            let keys = tree?["AssumeRoleWithWebIdentityResult"]?["Credentials"]
        else {
            let error = tree?["Error"]
            let reason = error.map { "\($0["Code"]?.text ?? ""): \($0["Message"]?.text ?? "")" }
            throw TesseraError(
                .unavailable,
                "the token service refuses role '\(role)': \(reason ?? "status \(response.status)")"
            )
        }
        return try Credentials(
            accessKey: keys["AccessKeyId"]?.text ?? "",
            secretKey: keys["SecretAccessKey"]?.text ?? "",
            sessionToken: keys["SessionToken"]?.text,
            expiry: keys["Expiration"].flatMap { S3Time.date(iso8601: $0.text) }, source: source)
    }
}

/// A file that holds one token. It is read each time, since the platform renews it.
private enum TokenFile {
    static func read(_ path: String) async throws(TesseraError) -> String {
        let data = try await BlockingIO.shared.run { () throws(TesseraError) in
            FileManager.default.contents(atPath: path)
        }
        guard let data else {
            throw TesseraError(.invalidArgument, "cannot read the token file '\(path)'")
        }
        return String(String(decoding: data, as: UTF8.self).trimmingASCIISpace())
    }
}

extension HTTPClient {
    /// The answer of a credentials service; no answer is `unavailable`.
    fileprivate func answer(
        to request: HTTPRequest, from source: String
    ) async throws(TesseraError) -> HTTPResponse {
        do throws(HTTPFailure) {
            return try await send(request)
        } catch {
            throw TesseraError(
                error.kind == .cancelled ? .cancelled : .unavailable,
                "\(source) cannot be reached: \(error.message)",
                cause: StoreFailure(isRetryable: error.isRetryable, detail: error.message))
        }
    }
}

extension CredentialsChain {
    /// The providers that AWS's own tools ask, in their order.
    package static func standard(
        _ environment: [String: String], region: String, client: HTTPClient
    ) -> CredentialsChain {
        CredentialsChain([
            EnvironmentCredentials(environment),
            WebIdentityCredentials(environment, region: region, client: client),
            SharedFileCredentials(environment),
            ContainerCredentials(environment, client: client),
            InstanceCredentials(environment, client: client),
        ])
    }
}
