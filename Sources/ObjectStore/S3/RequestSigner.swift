// AWS Signature Version 4, header form, for services that do not encode the path twice (S3).
//
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
internal import Crypto
package import Foundation
package import HTTPClient

/// A request as the signature sees it. Nothing here is encoded yet, except the path.
package struct SignableRequest: Sendable {
    package var method: String
    /// The path, percent-encoded once and beginning with "/"; it is signed as it is sent.
    package var path: String
    /// Names and values, not encoded; a parameter without a value has "".
    package var query: [(name: String, value: String)]
    /// All of them are signed; `host` must be among them.
    package var headers: [HTTPHeader]
    /// SHA-256 of the body in hexadecimal.
    package var payloadDigest: String

    package init(
        method: String, path: String, query: [(name: String, value: String)] = [],
        headers: [HTTPHeader], payloadDigest: String
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.payloadDigest = payloadDigest
    }

    /// The query sorted and encoded; the URL must carry it in this form.
    package var canonicalQuery: String {
        query.map { (URIEncoding.encode($0.name), URIEncoding.encode($0.value)) }
            .sorted { $0 < $1 }
            .map { "\($0)=\($1)" }.joined(separator: "&")
    }
}

/// Makes the `Authorization` header of requests to one service in one region.
package struct RequestSigner: Sendable {
    package let region: String
    package let service: String

    package init(region: String, service: String = "s3") {
        self.region = region
        self.service = service
    }

    /// The headers to add: `x-amz-date`, the session token where there is one, and `authorization`.
    package func sign(
        _ request: SignableRequest, with credentials: Credentials, at date: Date
    ) -> [HTTPHeader] {
        let time = S3Time.basic(date)
        var added = [HTTPHeader("x-amz-date", time)]
        if let token = credentials.sessionToken {
            added.append(HTTPHeader("x-amz-security-token", token))
        }
        let (canonical, names) = canonicalRequest(request, adding: added)
        let scope = "\(time.prefix(8))/\(region)/\(service)/aws4_request"
        let text =
            "AWS4-HMAC-SHA256\n\(time)\n\(scope)\n\(Self.hex(SHA256.hash(data: Array(canonical.utf8))))"
        let signature = Self.hex(hmac(signingKey(credentials, day: String(time.prefix(8))), text))
        let value =
            "AWS4-HMAC-SHA256 Credential=\(credentials.accessKey)/\(scope), "
            + "SignedHeaders=\(names), Signature=\(signature)"
        return added + [HTTPHeader("authorization", value)]
    }

    private func canonicalRequest(
        _ request: SignableRequest, adding added: [HTTPHeader]
    ) -> (text: String, names: String) {
        let headers = (request.headers + added)
            .map { (name: $0.name.lowercased(), value: Self.collapsed($0.value)) }
            .sorted { $0.name < $1.name }
        let names = headers.map(\.name).joined(separator: ";")
        let lines = headers.map { "\($0.name):\($0.value)\n" }.joined()
        let text = [
            request.method, request.path, request.canonicalQuery, lines, names,
            request.payloadDigest,
        ].joined(separator: "\n")
        return (text, names)
    }

    private func signingKey(_ credentials: Credentials, day: String) -> SymmetricKey {
        [region, service, "aws4_request"].reduce(
            hmac(SymmetricKey(data: Array("AWS4\(credentials.secretKey)".utf8)), day)
        ) { hmac(SymmetricKey(data: $0), $1) }.asKey
    }

    private func hmac(_ key: SymmetricKey, _ text: String) -> HMAC<SHA256>.MAC {
        HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: key)
    }

    /// The value without spaces at its ends, and with each run of spaces as one.
    private static func collapsed(_ value: String) -> String {
        value.split(separator: " ").joined(separator: " ")
    }

    static func hex(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        let text = bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return String(decoding: text, as: UTF8.self)
    }
}

extension HMAC<SHA256>.MAC {
    fileprivate var asKey: SymmetricKey { SymmetricKey(data: self) }
}

/// Percent-encoding as the signature requires it: all but unreserved characters, upper-case digits.
package enum URIEncoding {
    private static let digits = Array("0123456789ABCDEF".utf8)

    /// Percent-encodes a text, with or without its slashes.
    package static func encode(_ text: String, keepingSlashes: Bool = false) -> String {
        var encoded: [UInt8] = []
        encoded.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            if isUnreserved(byte) || (keepingSlashes && byte == UInt8(ascii: "/")) {
                encoded.append(byte)
            } else {
                encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "_"), UInt8(ascii: "~"):
            true
        default: false
        }
    }
}
