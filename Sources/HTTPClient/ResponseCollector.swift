// Assembles an answer from the pieces that arrive. Pure: it decides what is kept and when there is
// too much; the caller stops the transfer.
//
// Invariant: the body never holds more than the request allowed, regardless of what the server
// declares or sends.

/// Assembles one answer.
package struct ResponseCollector: Sendable {
    /// Longest body kept of an unsuccessful answer: enough for any error document.
    package static let errorBodyLimit = 64 << 10
    private static let headerLimit = 128 << 10
    /// Most memory that is reserved for a declared length.
    private static let reservationLimit = 64 << 20

    /// Why the transfer must stop; nil while it may go on.
    package private(set) var complaint: String?
    package private(set) var response = HTTPResponse(status: 0)
    /// Whether the head is complete. libcurl takes a truncated head for a complete one.
    package private(set) var isHeadComplete = false
    private let limit: Int
    private let hasBody: Bool
    private var headerBytes = 0

    /// - Parameters:
    ///   - limit: bytes that a successful answer's body may have.
    ///   - hasBody: false for HEAD, whose declared length is that of the answer to GET.
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

    /// The status in a line like "HTTP/1.1 206 Partial Content" or "HTTP/2 206".
    private static func status(of line: Substring) -> Int? {
        let parts = line.split(separator: " ", maxSplits: 2)
        return parts.count > 1 ? Int(parts[1]) : nil
    }
}

extension StringProtocol where SubSequence == Substring {
    /// The text without spaces, tabs and line ends at either end.
    package func trimmingASCIISpace() -> Substring {
        // Compared by scalars, since "\r\n" is one character.
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
