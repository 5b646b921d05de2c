// Uploads an object in parts, and aborts the upload on any failure. It replaces an existing object
// only at completion. Never used for `create`, since a completion may ignore conditions.
package import Foundation
import HTTPClient
package import TesseraBase

/// One upload of one object.
///
/// A cancelled upload starts no further request but waits for those under way, each bounded by its
/// deadlines: a part that arrives after the abort can revive the upload, which would then be
/// billed.
struct MultipartUpload: Sendable {
    /// S3's limits: number of parts, and bytes of each part but the last.
    private static let partCountLimit = 10_000
    private static let smallestPart = 5 << 20
    private static let abortPauses: [Duration] = [
        .zero, .milliseconds(50), .milliseconds(200), .milliseconds(800),
    ]

    let client: S3Client
    let key: ObjectKey

    func run(_ bytes: [UInt8]) async throws(TesseraError) {
        let upload = try await begin()
        do throws(TesseraError) {
            let size = max(
                client.settings.partBytes, Self.smallestPart, bytes.count / Self.partCountLimit + 1)
            let starts = Array(stride(from: 0, to: bytes.count, by: size))
            let tags = try await inParallel(
                Array(starts.enumerated()), limit: client.settings.requestsPerCall
            ) { part throws(TesseraError) in
                let end = min(part.element + size, bytes.count)
                return try await put(bytes[part.element..<end], number: part.offset + 1, upload)
            }
            try await complete(upload, tags)
        } catch {
            await abort(upload)
            throw error
        }
    }

    private func begin() async throws(TesseraError) -> String {
        let request = S3Request(
            method: .post, key: key, query: [("uploads", "")], headers: S3Store.contentType,
            body: [], verb: "begin to write")
        let tree = try client.document(
            try await finish(request), "InitiateMultipartUploadResult", request)
        guard let id = tree["UploadId"]?.text, !id.isEmpty else {
            throw S3Failure.damaged("the answer has no upload id", client.attempt(request))
        }
        return id
    }

    private func put(
        _ part: ArraySlice<UInt8>, number: Int, _ upload: String
    ) async throws(TesseraError) -> String {
        let request = S3Request(
            method: .put, key: key,
            query: [("partNumber", String(number)), ("uploadId", upload)], body: part,
            verb: "write part \(number) of")
        let response = try await finish(request)
        guard let tag = response.headers["etag"] else {
            throw S3Failure.damaged("the answer has no etag", client.attempt(request))
        }
        return tag
    }

    private func complete(_ upload: String, _ tags: [String]) async throws(TesseraError) {
        let parts = tags.enumerated().map {
            "<Part><PartNumber>\($0.offset + 1)</PartNumber><ETag>\(XMLTree.escaped($0.element))</ETag></Part>"
        }.joined()
        let body = Array(
            "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\(parts)</CompleteMultipartUpload>"
                .utf8)
        let request = S3Request(
            method: .post, key: key, query: [("uploadId", upload)],
            headers: [HTTPHeader("content-type", "application/xml")], body: body[...],
            maySendTwice: false, verb: "finish to write")
        _ = try client.document(
            try await finish(request), "CompleteMultipartUploadResult", request)
    }

    /// Aborts the upload until the store no longer knows it: a part whose answer was lost may still
    /// arrive.
    private func abort(_ upload: String) async {
        await Task {
            for pause in Self.abortPauses {
                try? await client.steadyClock.sleep(pause)
                if (try? await client.takeBack(upload, of: key))?.status == 404 { return }
            }
        }.value
    }

    /// Sends a request and waits for the answer even if the caller is cancelled meanwhile.
    private func finish(_ request: S3Request) async throws(TesseraError) -> HTTPResponse {
        guard !Task.isCancelled else {
            throw TesseraError(
                .cancelled, "cannot \(client.attempt(request).what): the upload was cancelled")
        }
        let answer = Task {
            await outcome { () throws(TesseraError) in try await client.send(request) }
        }
        return try await answer.value.get()
    }
}

extension S3Client {
    /// Aborts an upload; the status is 404 if the store does not know it.
    fileprivate func takeBack(
        _ upload: String, of key: ObjectKey
    ) async throws(TesseraError) -> HTTPResponse {
        try await send(
            S3Request(method: .delete, key: key, query: [("uploadId", upload)], verb: "take back"),
            accepting: [404])
    }
}

extension S3Store {
    /// Uploads in parts that were begun before `date` and never completed. Their size is not known.
    ///
    /// None where the store or the key's rights do not allow a list of them.
    package func staleTemporaryFiles(
        prefix: String, olderThan date: Date, apply: Bool
    ) async throws(TesseraError) -> [ObjectInfo] {
        try ObjectKeyRule.check(prefix: prefix)
        var found: [ObjectInfo] = []
        var marker: [(name: String, value: String)] = []
        while let page = try await uploads(prefix, marker) {
            for item in page.all("Upload") {
                guard let key = item["Key"]?.text, key.hasPrefix(prefix),
                    let id = item["UploadId"]?.text,
                    let begun = item["Initiated"].flatMap({ S3Time.date(iso8601: $0.text) }),
                    begun < date
                else { continue }
                found.append(ObjectInfo(key: key, size: 0, modified: begun))
                guard apply else { continue }
                _ = try await client.takeBack(id, of: key)
            }
            guard page["IsTruncated"]?.text == "true", let key = page["NextKeyMarker"]?.text,
                let id = page["NextUploadIdMarker"]?.text
            else { break }
            marker = [("key-marker", key), ("upload-id-marker", id)]
        }
        return found
    }

    private func uploads(
        _ prefix: String, _ marker: [(name: String, value: String)]
    ) async throws(TesseraError) -> XMLTree? {
        var request = S3Request(method: .get, verb: "list unfinished uploads of")
        request.query = [("uploads", ""), ("prefix", prefix)] + marker
        let refusals: Set = [403, 405, 501]
        let response = try await client.send(request, accepting: refusals)
        guard !refusals.contains(response.status) else { return nil }
        return try client.document(response, "ListMultipartUploadsResult", request)
    }
}
