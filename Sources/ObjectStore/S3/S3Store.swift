// A store in a bucket of S3 or of anything that speaks its protocol.
//
// Invariants: each call makes each of its requests once (retries are a decorator's, except for
// aborting an upload); `create` is one PUT with `If-None-Match: *`, never a multipart upload, whose
// completion some stores carry out unconditionally; a range is returned only where the store said
// that it is that range.
internal import Foundation
package import HTTPClient
package import TesseraBase

/// Keeps objects in one bucket. A prefix inside it is a ``PrefixedStore`` over this.
package struct S3Store: ObjectStore {
    let client: S3Client

    /// - Parameters:
    ///   - bucket: its name, without any slash.
    ///   - settings: complete; nothing more is read from the environment.
    ///   - credentials: shared between stores, so that one renewal serves them all.
    package init(
        bucket: String, settings: S3Settings, credentials: CachedCredentials,
        http: HTTPClient = .shared, clock: WallClock = .system,
        steadyClock: SteadyClock = .system
    ) throws(TesseraError) {
        client = try S3Client(
            bucket: bucket, settings: settings, credentials: credentials, http: http, clock: clock,
            steadyClock: steadyClock)
    }

    package var address: String { "s3://\(client.bucket)" }

    package func get(
        _ key: ObjectKey, range: Range<UInt64>?
    ) async throws(TesseraError) -> [UInt8] {
        try ObjectKeyRule.check(key)
        guard let range else { return try await whole(key) }
        return try await get(key, ranges: [range])[0]
    }

    package func get(
        _ key: ObjectKey, ranges: [Range<UInt64>]
    ) async throws(TesseraError) -> [[UInt8]] {
        try ObjectKeyRule.check(key)
        let reads = RangeReads.coalesce(ranges)
        var sizes: [UInt64] = []
        var buffers: [[UInt8]] = []
        if reads.isEmpty {
            guard let info = try await head(key) else { throw missing(key) }
            sizes = [info.size]
        }
        let parts = try await inParallel(reads.map(\.span), limit: client.settings.requestsPerCall)
        {
            span throws(TesseraError) in try await part(key, span)
        }
        for part in parts {
            sizes.append(part.size)
            buffers.append(part.bytes)
        }
        let name = "'\(address)/\(key)'"
        for range in ranges { try RangeReads.check(range, size: sizes.min() ?? 0, of: name) }
        return RangeReads.distribute(buffers, of: reads, to: ranges)
    }

    package func head(_ key: ObjectKey) async throws(TesseraError) -> ObjectInfo? {
        try ObjectKeyRule.check(key)
        let request = S3Request(method: .head, key: key, verb: "examine")
        do throws(TesseraError) {
            let response = try await client.send(request, accepting: [404])
            if response.status == 404 { return nil }
            guard let size = response.headers["content-length"].flatMap({ UInt64($0) }),
                let modified = response.headers["last-modified"].flatMap({ S3Time.date(http: $0) })
            else {
                throw S3Failure.damaged(
                    "the answer lacks the object's size or time", client.attempt(request))
            }
            return ObjectInfo(key: key, size: size, modified: modified)
        } catch {
            guard let status = (error.cause as? StoreFailure)?.status, status < 500, status != 429
            else { throw error }
            // An answer to HEAD has no body that explains a failure; reading one byte of the object
            // gets one.
            var explaining = request
            explaining.method = .get
            explaining.headers = [HTTPHeader("range", "bytes=0-0")]
            explaining.responseLimit = 1 << 16
            _ = try await client.send(explaining)
            throw error
        }
    }

    private func missing(_ key: ObjectKey) -> TesseraError {
        TesseraError(.notFound, "there is no object '\(address)/\(key)'")
    }

    private func whole(_ key: ObjectKey) async throws(TesseraError) -> [UInt8] {
        let request = S3Request(
            method: .get, key: key, responseLimit: client.settings.objectLimit, verb: "read")
        let response = try await client.send(request)
        guard response.headers["content-length"].flatMap({ Int($0) }) == response.body.count else {
            throw S3Failure.damaged(
                "\(response.body.count) bytes came, and the store does not say that this is all",
                client.attempt(request))
        }
        return response.body
    }

    /// The bytes of a range that is not empty, cut off where the object ends, and the object's
    /// size.
    private func part(
        _ key: ObjectKey, _ span: Range<UInt64>
    ) async throws(TesseraError) -> (bytes: [UInt8], size: UInt64) {
        let name = "'\(address)/\(key)'"
        guard let length = Int(exactly: span.upperBound - span.lowerBound) else {
            throw TesseraError(
                .invalidArgument,
                "bytes \(span.lowerBound) to \(span.upperBound) of \(name) are more than any object has"
            )
        }
        let request = S3Request(
            method: .get, key: key,
            headers: [HTTPHeader("range", "bytes=\(span.lowerBound)-\(span.upperBound - 1)")],
            responseLimit: length, verb: "read bytes \(span.lowerBound) to \(span.upperBound) of")
        let response = try await client.send(request)
        guard response.status == 206,
            let range = response.headers["content-range"].flatMap({ ContentRange($0) })
        else {
            throw TesseraError(
                .unsupported, "\(address) ignores ranges, and cannot be used as a store",
                cause: StoreFailure(
                    status: response.status, isRetryable: false, detail: "range ignored"))
        }
        let end = min(span.upperBound, range.size)
        guard range.first == span.lowerBound, range.last == end - 1,
            response.body.count == end - span.lowerBound
        else {
            throw S3Failure.damaged(
                "another range came than was asked for", client.attempt(request))
        }
        return (response.body, range.size)
    }
}

/// A `Content-Range` header, such as "bytes 0-9/1000".
struct ContentRange: Equatable {
    let first: UInt64
    let last: UInt64
    let size: UInt64

    init?(_ text: String) {
        let parts = text.split { $0 == " " || $0 == "-" || $0 == "/" }
        guard parts.count == 4, parts[0].lowercased() == "bytes", let first = UInt64(parts[1]),
            let last = UInt64(parts[2]), let size = UInt64(parts[3]), first <= last, last < size
        else { return nil }
        self.first = first
        self.last = last
        self.size = size
    }
}

/// Runs `work` on all items, at most `limit` at a time; the results in the items' order, or the
/// first failure.
func inParallel<Item: Sendable, Value: Sendable>(
    _ items: [Item], limit: Int,
    _ work: @escaping @Sendable (Item) async throws(TesseraError) -> Value
) async throws(TesseraError) -> [Value] {
    guard items.count > 1 else {
        var values: [Value] = []
        for item in items { values.append(try await work(item)) }
        return values
    }
    let result = await withTaskGroup(of: (Int, Result<Value, TesseraError>).self) { group in
        var values = [Value?](repeating: nil, count: items.count)
        var next = 0
        func startNext() {
            guard next < items.count else { return }
            let index = next
            next += 1
            group.addTask {
                do throws(TesseraError) {
                    return (index, .success(try await work(items[index])))
                } catch {
                    return (index, .failure(error))
                }
            }
        }
        for _ in 0..<max(1, limit) { startNext() }
        while let (index, result) = await group.next() {
            switch result {
            case .success(let value): values[index] = value
            case .failure(let error):
                group.cancelAll()
                return Result<[Value], TesseraError>.failure(error)
            }
            startNext()
        }
        return .success(values.compactMap { $0 })
    }
    return try result.get()
}
