// Writes: put, put-if-absent, deletes, and uploads in parts.
internal import Crypto
internal import Foundation
import HTTPClient
package import TesseraBase

extension S3Store {
    /// Most keys that S3 takes in one request.
    private static let deleteBatch = 1000

    package func put(_ key: ObjectKey, _ bytes: [UInt8]) async throws(TesseraError) {
        try ObjectKeyRule.check(key)
        if bytes.count > client.settings.multipartThreshold {
            return try await MultipartUpload(client: client, key: key).run(bytes)
        }
        _ = try await client.send(
            S3Request(
                method: .put, key: key, headers: Self.contentType, body: bytes[...], verb: "write"))
    }

    package func create(_ key: ObjectKey, _ bytes: [UInt8]) async throws(TesseraError) -> Bool {
        try ObjectKeyRule.check(key)
        let response = try await client.send(
            S3Request(
                method: .put, key: key,
                headers: Self.contentType + [HTTPHeader("if-none-match", "*")], body: bytes[...],
                maySendTwice: false, verb: "create"),
            accepting: [412])
        return response.status != 412
    }

    package func delete(_ key: ObjectKey) async throws(TesseraError) {
        try ObjectKeyRule.check(key)
        do throws(TesseraError) {
            _ = try await client.send(S3Request(method: .delete, key: key, verb: "delete"))
        } catch {
            // A missing bucket must not pass for a missing object.
            let failure = error.cause as? StoreFailure
            guard error.code == .notFound, failure?.detail.contains("NoSuchBucket") != true
            else { throw error }
        }
    }

    package func delete(_ keys: [ObjectKey]) async throws(TesseraError) {
        for key in keys { try ObjectKeyRule.check(key) }
        for start in stride(from: 0, to: keys.count, by: Self.deleteBatch) {
            try await deleteBatch(keys[start..<min(start + Self.deleteBatch, keys.count)])
        }
    }

    private func deleteBatch(_ keys: ArraySlice<ObjectKey>) async throws(TesseraError) {
        let objects = keys.map { "<Object><Key>\(XMLTree.escaped($0))</Key></Object>" }.joined()
        let body = Array(
            "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>\(objects)</Delete>"
                .utf8)
        let digest = Data(Insecure.MD5.hash(data: body)).base64EncodedString()
        let request = S3Request(
            method: .post, query: [("delete", "")],
            headers: [
                HTTPHeader("content-md5", digest), HTTPHeader("content-type", "application/xml"),
            ], body: body[...], verb: "delete objects of")
        let result = try client.document(
            try await client.send(request), "DeleteResult", request)
        let errors = result.all("Error").filter { $0["Code"]?.text != "NoSuchKey" }
        guard let first = errors.first else { return }
        let code = first["Code"]?.text ?? ""
        throw TesseraError(
            .unavailable,
            "cannot delete \(errors.count) of \(keys.count) objects; the first is "
                + "'\(address)/\(first["Key"]?.text ?? "")': \(code): \(first["Message"]?.text ?? "")",
            cause: StoreFailure(
                isRetryable: ["InternalError", "SlowDown"].contains(code),
                isThrottle: code == "SlowDown", outcomeUnknown: true, detail: code))
    }

    static let contentType = [HTTPHeader("content-type", "application/octet-stream")]
}
