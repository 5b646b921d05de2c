// One HTTP exchange as values: what is asked, what is answered, and how long it may take.
internal import Foundation

/// How long the parts of one exchange may take.
package struct HTTPDeadlines: Sendable, Equatable {
    /// Time until the connection is established, TLS included.
    package var connect: Duration
    /// Time without a byte of progress in either direction.
    package var stall: Duration
    /// Time from the call to the last byte, including the wait for a connection.
    package var total: Duration

    package init(
        connect: Duration = .seconds(5), stall: Duration = .seconds(20),
        total: Duration = .seconds(60)
    ) {
        self.connect = connect
        self.stall = stall
        self.total = total
    }
}

/// A header's name and value.
package struct HTTPHeader: Sendable, Equatable {
    package let name: String
    package let value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// The methods of requests.
package enum HTTPMethod: String, Sendable {
    case get = "GET"
    case head = "HEAD"
    case put = "PUT"
    case post = "POST"
    case delete = "DELETE"
}

/// One request. It is sent once; retrying is for its caller.
package struct HTTPRequest: Sendable {
    package var method: HTTPMethod
    /// The URL, already percent-encoded; it is sent as it is.
    package var url: String
    package var headers: [HTTPHeader]
    /// The body, sent with a `Content-Length`; nil for none.
    package var body: ArraySlice<UInt8>?
    /// A successful answer with a longer body fails before it is read.
    package var responseLimit: Int
    package var deadlines: HTTPDeadlines
    /// Whether libcurl may silently send the request again when a kept connection turns out to be
    /// closed. If false, it goes over a new connection, because the first of two may have been
    /// carried out.
    package var maySendTwice: Bool
    /// Whether proxies are bypassed: for services of the machine itself, which no proxy can reach.
    package var bypassesProxy: Bool

    package init(
        _ method: HTTPMethod, url: String, headers: [HTTPHeader] = [],
        body: ArraySlice<UInt8>? = nil, responseLimit: Int = 1 << 20,
        deadlines: HTTPDeadlines = HTTPDeadlines(), maySendTwice: Bool = true,
        bypassesProxy: Bool = false
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.responseLimit = responseLimit
        self.deadlines = deadlines
        self.maySendTwice = maySendTwice
        self.bypassesProxy = bypassesProxy
    }

    /// `scheme://host:port`: connections are limited per origin.
    var origin: Substring {
        guard let scheme = url.range(of: "://") else { return url[...] }
        let end = url[scheme.upperBound...].firstIndex { "/?#".contains($0) } ?? url.endIndex
        return url[..<end]
    }
}

/// A whole answer of any status, 500 included.
package struct HTTPResponse: Sendable, Equatable {
    package var status: Int
    /// Headers by lower-case name; the last one of several with the same name.
    package var headers: [String: String]
    /// The body; of an unsuccessful answer at most its first ``ResponseCollector/errorBodyLimit``
    /// bytes.
    package var body: [UInt8]

    package init(status: Int, headers: [String: String] = [:], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    package var isSuccess: Bool { (200..<300).contains(status) }
}

/// Why there is no answer.
package struct HTTPFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// Kinds of failure.
    package enum Kind: Sendable, Equatable {
        case cancelled, timedOut, badRequest, unknownHost, cannotConnect, untrusted, interrupted,
            tooLarge, closed
    }

    package let kind: Kind
    /// Lower case, with the host in it; never a header or a body.
    package let message: String
    /// Whether the server may have seen the request.
    package let mayHaveArrived: Bool

    package init(_ kind: Kind, _ message: String, mayHaveArrived: Bool = false) {
        self.kind = kind
        self.message = message
        self.mayHaveArrived = mayHaveArrived
    }

    package var description: String { message }
}
