// The page at `/`: one document with its style and script inside, so that it takes one request. Its
// security policy allows that style and that script, by their digests, and nothing else; it may
// connect only to the server it came from.
import Crypto
import Foundation
package import HTTPTypes

/// The page and the headers it must be sent with.
package enum Page {
    package static let contentType = "text/html; charset=utf-8"

    /// The document, UTF-8.
    package static let document: [UInt8] = {
        var text = String(decoding: PackageResources.index_html, as: UTF8.self)
        for (place, replacement) in [
            ("<link rel=\"stylesheet\" href=\"page.css\">", "<style>\(style)</style>"),
            (
                "<script src=\"page.js\" type=\"module\"></script>",
                "<script type=\"module\">\(script)</script>"
            ),
        ] {
            guard let range = text.range(of: place) else {
                preconditionFailure("index.html lacks \(place), where a part is inserted")
            }
            text.replaceSubrange(range, with: replacement)
        }
        return Array(text.utf8)
    }()

    /// The value of Content-Security-Policy.
    package static let securityPolicy = [
        "default-src 'none'", "script-src \(digest(of: script))", "style-src \(digest(of: style))",
        "connect-src 'self'", "img-src data:", "base-uri 'none'", "form-action 'none'",
        "frame-ancestors 'none'",
    ].joined(separator: "; ")

    /// All headers besides type and length of the content.
    package static let headers: [HTTPField] = [
        ("Content-Security-Policy", securityPolicy), ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"), ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cache-Control", "no-cache"),
    ].map { name, value in
        guard let name = HTTPField.Name(name) else {
            preconditionFailure("\(name) is not a header name")
        }
        return HTTPField(name: name, value: value)
    }

    private static let style = String(decoding: PackageResources.page_css, as: UTF8.self)
    private static let script = String(decoding: PackageResources.page_js, as: UTF8.self)

    private static func digest(of text: String) -> String {
        "'sha256-\(Data(SHA256.hash(data: Data(text.utf8))).base64EncodedString())'"
    }
}
