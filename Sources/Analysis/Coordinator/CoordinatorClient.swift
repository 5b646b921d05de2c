// Requests to a running coordinator, and its refusals as errors.
//
// Invariants: a key leaves this process in a header only, and over the network only encrypted; no
// message contains it.
import Foundation
import HTTPClient
import ObjectStore
package import TesseraBase

/// One index of one coordinator.
package struct CoordinatorClient: Sendable {
    /// Most bytes of a response: an answer holds ids only.
    private static let largestAnswer = 64 << 20
    /// Longer than the default deadline of a search.
    private static let deadlines = HTTPDeadlines(
        connect: .seconds(5), stall: .seconds(40), total: .seconds(40))

    /// The address `scheme://host:port`, without a slash at the end.
    package let url: String
    package let index: String
    private let headers: [HTTPHeader]
    private let http: HTTPClient

    /// Opens connections to a coordinator.
    ///
    /// - Parameters:
    ///   - key: the key that the coordinator requires; nil sends none.
    ///   - caFile: certificates to trust instead of the system's.
    ///   - connections: most connections kept open, and most requests in flight.
    /// - Throws: `invalidArgument` for an address that is not one of a coordinator, or over which a
    ///   key would go unencrypted.
    package init(
        url: String, index: String, key: String?, caFile: String? = nil, connections: Int
    ) throws(TesseraError) {
        var trimmed = url
        while trimmed.hasSuffix("/") { trimmed.removeLast() }
        guard let parts = URLComponents(string: trimmed), let host = parts.host, !host.isEmpty,
            parts.scheme == "http" || parts.scheme == "https", parts.user == nil,
            parts.query == nil, parts.fragment == nil
        else {
            throw TesseraError(
                .invalidArgument,
                "--url \(url.prefix(200)) is not the address of a coordinator; give http://host:port or https://host:port"
            )
        }
        let isHere =
            host == "localhost" || host == "::1" || host == "[::1]" || host.hasPrefix("127.")
        guard key == nil || parts.scheme == "https" || isHere else {
            throw TesseraError(
                .invalidArgument, "--url \(trimmed) would send the key unencrypted; give https://")
        }
        self.url = trimmed
        self.index = index
        headers =
            [HTTPHeader("Content-Type", "application/json")]
            + (key.map { [HTTPHeader("Authorization", "Bearer \($0)")] } ?? [])
        http = HTTPClient(
            HTTPClientSettings(
                connectionLimit: connections, connectionLimitByOrigin: connections, caFile: caFile))
    }

    /// Reads a key from a file that only its owner can read: the key alone, or lines as `shardctl
    /// serve --keys` reads them.
    ///
    /// - Throws: `notFound`, or `invalidArgument` if others may read the file or it holds no key.
    package static func key(path: String) throws(TesseraError) -> String {
        for line in try PrivateFile.keys(path: path).split(whereSeparator: \.isNewline) {
            let words = line.split(whereSeparator: \.isWhitespace)
            guard let first = words.first, !first.hasPrefix("#") else { continue }
            let key = words.count == 1 ? first : words.count == 2 ? words[1] : ""
            guard !key.isEmpty, key.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else { break }
            return String(key)
        }
        throw TesseraError(
            .invalidArgument, "the key file \(path) holds no key; write the key in its first line")
    }

    func detail() async throws(TesseraError) -> ServedIndexDocument {
        try await get("/v1/indexes/\(index)")
    }

    func shards() async throws(TesseraError) -> ServedShardsDocument {
        try await get("/v1/indexes/\(index)/shards")
    }

    func stats() async throws(TesseraError) -> ServerStatsDocument {
        try await get("/stats")
    }

    /// Sends one query.
    ///
    /// - Parameter body: a search request in JSON, as openapi.json describes it.
    func search(_ body: String) async throws(TesseraError) -> ServedAnswer {
        try await send(
            .post, "/v1/indexes/\(index)/search", body: Array(body.utf8)[...])
    }

    private func get<Document: Decodable & Sendable>(
        _ path: String
    ) async throws(TesseraError) -> Document {
        try await send(.get, path, body: nil)
    }

    private func send<Document: Decodable & Sendable>(
        _ method: HTTPMethod, _ path: String, body: ArraySlice<UInt8>?
    ) async throws(TesseraError) -> Document {
        let response: HTTPResponse
        do throws(HTTPFailure) {
            response = try await http.send(
                HTTPRequest(
                    method, url: url + path, headers: headers, body: body,
                    responseLimit: Self.largestAnswer, deadlines: Self.deadlines))
        } catch {
            throw TesseraError(
                Self.code(of: error.kind), "no answer from the coordinator: \(error)")
        }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        guard response.isSuccess else {
            throw refusal(
                response, try? decoder.decode(ServerErrorDocument.self, from: Data(response.body)))
        }
        do { return try decoder.decode(Document.self, from: Data(response.body)) } catch {
            throw TesseraError(
                .invalidArgument,
                "\(url)\(path) does not answer as a coordinator of this release does; is it one?",
                cause: error)
        }
    }

    private static func code(of kind: HTTPFailure.Kind) -> ErrorCode {
        switch kind {
        case .badRequest, .tooLarge: .invalidArgument
        case .cancelled: .cancelled
        case .timedOut, .unknownHost, .cannotConnect, .untrusted, .interrupted, .closed:
            .unavailable
        }
    }

    /// A refusal as an error, with the mend for the person who measures.
    private func refusal(_ response: HTTPResponse, _ document: ServerErrorDocument?) -> TesseraError
    {
        let code: ErrorCode =
            switch (response.status, document?.code) {
            case (401, _), (403, _): .invalidArgument
            case (404, _): .notFound
            case (409, _): .conflict
            case (500, "corrupted"?): .corrupted
            case (501, _): .unsupported
            case (507, _): .resourceExhausted
            case (400..<500, _) where response.status != 429 && response.status != 408:
                .invalidArgument
            default: .unavailable
            }
        let mend =
            switch response.status {
            case 401, 403: "; give --key-file"
            case 429: "; give a lower --concurrency or --rate"
            default: ""
            }
        let message = document?.message ?? "status \(response.status)"
        return TesseraError(code, "the coordinator at \(url) refuses: \(message)\(mend)")
    }
}
