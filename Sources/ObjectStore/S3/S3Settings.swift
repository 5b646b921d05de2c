// Where a bucket is and how it is addressed: from flags first, then the environment, then AWS's
// config file.
internal import Foundation
package import HTTPClient
package import TesseraBase

/// Settings of an S3 store besides its address.
package struct S3Settings: Sendable, Equatable {
    /// The region; nil for AWS's default.
    package var region: String?
    /// `scheme://host[:port]`; nil for AWS.
    package var endpoint: String?
    /// Whether the bucket is in the path instead of the host name. Nil: true at a given endpoint,
    /// false at AWS.
    package var usesPathStyle: Bool?
    /// Objects longer than this are uploaded in parts.
    package var multipartThreshold: Int
    package var partBytes: Int
    /// Concurrent requests of one call, for ranges or parts.
    package var requestsPerCall: Int
    package var deadlines: HTTPDeadlines
    /// Largest object that can be read whole, in bytes.
    package var objectLimit: Int

    package init(
        region: String? = nil, endpoint: String? = nil, usesPathStyle: Bool? = nil,
        multipartThreshold: Int = 64 << 20, partBytes: Int = 16 << 20, requestsPerCall: Int = 8,
        deadlines: HTTPDeadlines = HTTPDeadlines(), objectLimit: Int = 8 << 30
    ) {
        self.region = region
        self.endpoint = endpoint
        self.usesPathStyle = usesPathStyle
        self.multipartThreshold = multipartThreshold
        self.partBytes = partBytes
        self.requestsPerCall = requestsPerCall
        self.deadlines = deadlines
        self.objectLimit = objectLimit
    }

    /// These settings, with missing ones taken from the environment.
    package func completed(from environment: [String: String]) -> S3Settings {
        var whole = self
        whole.region =
            region ?? environment.filled("AWS_REGION") ?? environment.filled("AWS_DEFAULT_REGION")
            ?? SharedFiles(environment).region()
        whole.endpoint =
            endpoint ?? environment.filled("AWS_ENDPOINT_URL_S3")
            ?? environment.filled("AWS_ENDPOINT_URL")
        return whole
    }

    /// The region that goes into signatures.
    package var signingRegion: String { region ?? "us-east-1" }
}

/// How requests for one bucket are addressed.
package struct S3Endpoint: Sendable, Equatable {
    /// Value of the `Host` header: with the port unless it is the scheme's default.
    package let host: String
    /// `scheme://host`, which paths are appended to.
    package let base: String
    /// "/bucket" in path style, otherwise "".
    package let pathPrefix: String

    /// Throws `invalidArgument` for an endpoint that is no plain `http` or `https` address.
    package init(bucket: String, settings: S3Settings) throws(TesseraError) {
        let isCustom = settings.endpoint != nil
        let region = settings.signingRegion
        let domain = region.hasPrefix("cn-") ? "amazonaws.com.cn" : "amazonaws.com"
        let text = settings.endpoint ?? "https://s3.\(region).\(domain)"
        let (scheme, authority) = try Self.parse(text)
        // A dot in the bucket's name would not fit the store's certificate.
        let usesPathStyle = settings.usesPathStyle ?? (isCustom || bucket.contains("."))
        host = usesPathStyle ? authority : "\(bucket).\(authority)"
        base = "\(scheme)://\(host)"
        pathPrefix = usesPathStyle ? "/" + URIEncoding.encode(bucket) : ""
    }

    /// The encoded path of an object, or of the bucket itself where `key` is nil.
    package func path(_ key: String?) -> String {
        guard let key else { return pathPrefix.isEmpty ? "/" : pathPrefix }
        return pathPrefix + "/" + URIEncoding.encode(key, keepingSlashes: true)
    }

    private static func parse(
        _ text: String
    ) throws(TesseraError) -> (scheme: String, authority: String) {
        guard let parts = URLComponents(string: text), let scheme = parts.scheme?.lowercased(),
            ["http", "https"].contains(scheme), let host = parts.host, !host.isEmpty,
            parts.path.isEmpty || parts.path == "/", parts.query == nil, parts.user == nil
        else {
            throw TesseraError(
                .invalidArgument,
                "S3 endpoint '\(text)' cannot be used; it is like https://s3.example.com or http://127.0.0.1:9000"
            )
        }
        let shown = host.contains(":") && !host.hasPrefix("[") ? "[\(host)]" : host
        let standard = scheme == "http" ? 80 : 443
        let port = parts.port.flatMap { $0 == standard ? nil : ":\($0)" } ?? ""
        return (scheme, shown.lowercased() + port)
    }
}
