// One signed request to one bucket: credentials, signature, transfer, and the error where it fails.
internal import Crypto
internal import Foundation
import HTTPClient
internal import TesseraBase

/// A request in S3's terms.
struct S3Request: Sendable {
    var method: HTTPMethod
    /// Key of the object; nil for the bucket itself.
    var key: String?
    var query: [(name: String, value: String)] = []
    var headers: [HTTPHeader] = []
    var body: ArraySlice<UInt8>?
    var responseLimit = 16 << 20
    /// Whether the request may silently be carried out twice.
    var maySendTwice = true
    /// A verb for messages: "read".
    var verb: String

    var isWrite: Bool { method != .get && method != .head }
}

/// Sends requests for one bucket, each once.
struct S3Client: Sendable {
    let bucket: String
    let settings: S3Settings
    let http: HTTPClient
    let clock: WallClock
    let steadyClock: SteadyClock
    private let endpoint: S3Endpoint
    private let credentials: CachedCredentials
    private let signer: RequestSigner

    /// Bodies longer than this are hashed on the pool, not on the caller's thread.
    private static let longBody = 1 << 20
    /// Slowest transfer that deadlines leave time for.
    private static let slowestBytesPerSecond = 256 << 10

    init(
        bucket: String, settings: S3Settings, credentials: CachedCredentials, http: HTTPClient,
        clock: WallClock, steadyClock: SteadyClock
    ) throws(TesseraError) {
        self.bucket = bucket
        self.settings = settings
        self.http = http
        self.clock = clock
        self.steadyClock = steadyClock
        self.credentials = credentials
        endpoint = try S3Endpoint(bucket: bucket, settings: settings)
        signer = RequestSigner(region: settings.signingRegion)
    }

    /// Sends a request. Returns the answer if its status is a success or among `accepted`, and
    /// throws otherwise.
    func send(
        _ request: S3Request, accepting accepted: Set<Int> = []
    ) async throws(TesseraError) -> HTTPResponse {
        let attempt = self.attempt(request)
        let keys = try await credentials.credentials()
        let signed = try await self.signed(request, with: keys)
        let response: HTTPResponse
        do throws(HTTPFailure) {
            response = try await http.send(signed)
        } catch {
            throw S3Failure.error(error, attempt)
        }
        if response.isSuccess || accepted.contains(response.status) { return response }
        throw S3Failure.error(
            response, attempt, isFinal: isExpiry(response) ? await isFinal(expired: keys) : false)
    }

    /// Whether the next try would be made with the same keys, which the store refused as expired.
    private func isFinal(expired keys: Credentials) async -> Bool {
        await credentials.forget(keys)
        // Where renewing fails, the next try says why.
        return (try? await credentials.credentials()) == keys
    }

    func attempt(_ request: S3Request) -> S3Attempt {
        let object = request.key.map { "s3://\(bucket)/\($0)" }
        let prefix = request.query.first { $0.name == "prefix" && !$0.value.isEmpty }?.value
        let place = object ?? "s3://\(bucket)" + (prefix.map { "/" + $0 } ?? "")
        return S3Attempt(
            what: "\(request.verb) '\(place)'", bucket: bucket, object: object,
            region: settings.signingRegion, isWrite: request.isWrite,
            time: clock.now())
    }

    private func isExpiry(_ response: HTTPResponse) -> Bool {
        ["ExpiredToken", "TokenRefreshRequired"].contains(S3ErrorDocument(response.body).code)
    }

    private func signed(
        _ request: S3Request, with keys: Credentials
    ) async throws(TesseraError) -> HTTPRequest {
        let digest = try await digest(of: request.body ?? [])
        let signable = SignableRequest(
            method: request.method.rawValue, path: endpoint.path(request.key),
            query: request.query,
            headers: request.headers + [
                HTTPHeader("host", endpoint.host), HTTPHeader("x-amz-content-sha256", digest),
            ],
            payloadDigest: digest)
        let headers = signable.headers + signer.sign(signable, with: keys, at: clock.now())
        let query = signable.canonicalQuery
        var deadlines = settings.deadlines
        let bytes = (request.body?.count ?? 0) + min(request.responseLimit, 1 << 30)
        deadlines.total += .seconds(bytes / Self.slowestBytesPerSecond)
        return HTTPRequest(
            request.method,
            url: endpoint.base + signable.path + (query.isEmpty ? "" : "?" + query),
            headers: headers, body: request.body, responseLimit: request.responseLimit,
            deadlines: deadlines, maySendTwice: request.maySendTwice)
    }

    private func digest(of body: ArraySlice<UInt8>) async throws(TesseraError) -> String {
        let hash: @Sendable () -> String = {
            var hasher = SHA256()
            body.withUnsafeBytes { hasher.update(bufferPointer: $0) }
            return RequestSigner.hex(hasher.finalize())
        }
        guard body.count > Self.longBody else { return hash() }
        return try await BlockingIO.shared.run { () throws(TesseraError) in hash() }
    }
}
