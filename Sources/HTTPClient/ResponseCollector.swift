// What arrives of an answer, piece by piece. Pure: it decides what is kept and what is too much; the caller
// stops the transfer when told to.
//
// Invariant: the body never holds more than the request allowed, whatever the server declares or sends.

/// Puts an answer together.
package struct ResponseCollector: Sendable {
    /// Enough for any error document.
    package static let errorBodyLimit = 64 << 10
    private static let headerLimit = 128 << 10
    /// Memory taken in advance on the word of a server.
    private static let reservationLimit = 64 << 20

    /// Why the transfer must stop, once it must.
    package private(set) var complaint: String?
    package private(set) var response = HTTPResponse(status: 0)
    /// Whether the head came to its end. libcurl takes one that breaks off for a whole one.
    package private(set) var isHeadComplete = false
    private let limit: Int
    private let hasBody: Bool
    private var headerBytes = 0

    /// - Parameters:
    ///   - limit: bytes that a successful answer's body may have.
    ///   - hasBody: false for HEAD, whose declared length is that of another answer.
    package init(limit: Int, hasBody: Bool) {
        self.limit = limit
        self.hasBody = hasBody
    }

    /// Takes one header line as it came. Returns false where the transfer must stop.
    package mutating func addHeader(_ line: String) -> Bool {
        headerBytes += line.utf8.count
        guard headerBytes <= Self.headerLimit else {
            return stop("the answer's headers are longer than \(Self.headerLimit) bytes")
        }
        let text = line.trimmingASCIISpace()
        if text.isEmpty {
            isHeadComplete = true
            return checkDeclaredLength()
        }
        if text.hasPrefix("HTTP/"), let status = Self.status(of: text) {
            // A new head: what came before was interim (100 Continue).
            response = HTTPResponse(status: status)
            isHeadComplete = false
            return true
        }
        if let colon = text.firstIndex(of: ":") {
            let value = text[text.index(after: colon)...].trimmingASCIISpace()
            response.headers[text[..<colon].lowercased()] = String(value)
        }
        return true
    }

    /// Takes the next bytes of the body. Returns false where the transfer must stop.
    package mutating func addBody(_ bytes: RawSpan) -> Bool {
        guard response.isSuccess else {
            let room = max(0, Self.errorBodyLimit - response.body.count)
            append(bytes.extracting(first: min(room, bytes.byteCount)))
            return true
        }
        guard bytes.byteCount <= limit - response.body.count else { return tooLarge() }
        append(bytes)
        return true
    }

    private mutating func append(_ bytes: RawSpan) {
        bytes.withUnsafeBytes { response.body.append(contentsOf: $0) }
    }

    private mutating func checkDeclaredLength() -> Bool {
        guard hasBody, response.isSuccess,
            let declared = response.headers["content-length"].flatMap({ Int($0) })
        else { return true }
        guard declared <= limit else { return tooLarge() }
        response.body.reserveCapacity(min(max(0, declared), Self.reservationLimit))
        return true
    }

    private mutating func tooLarge() -> Bool {
        stop("the answer is larger than the \(limit) bytes that were asked for")
    }

    private mutating func stop(_ reason: String) -> Bool {
        complaint = reason
        return false
    }

    /// "HTTP/1.1 206 Partial Content" and "HTTP/2 206".
    private static func status(of line: Substring) -> Int? {
        let parts = line.split(separator: " ", maxSplits: 2)
        return parts.count > 1 ? Int(parts[1]) : nil
    }
}

extension StringProtocol where SubSequence == Substring {
    /// Without spaces, tabs and line ends at either end.
    package func trimmingASCIISpace() -> Substring {
        // By scalars: "\r\n" is one character.
        func isSpace(_ scalar: Unicode.Scalar) -> Bool {
            scalar == " " || scalar == "\t" || scalar == "\r" || scalar == "\n"
        }
        let scalars = unicodeScalars
        guard let first = scalars.firstIndex(where: { !isSpace($0) }),
            let last = scalars.lastIndex(where: { !isSpace($0) })
        else { return self[startIndex..<startIndex] }
        return self[first..<scalars.index(after: last)]
    }
}
