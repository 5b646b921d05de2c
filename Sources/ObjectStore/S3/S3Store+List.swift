// Lists: objects by prefix, folders by delimiter, page after page.
internal import Foundation
import HTTPClient
package import TesseraBase

extension S3Store {
    /// Keys that no store would accept, like the "folder/" markers of some tools, are left out.
    package func list(prefix: String) async throws(TesseraError) -> [ObjectInfo] {
        try ObjectKeyRule.check(prefix: prefix)
        var found: [ObjectInfo] = []
        try await pages(query: [("prefix", prefix)]) { page throws(TesseraError) in
            for item in page.all("Contents") { found += try Self.info(item).map { [$0] } ?? [] }
        }
        // S3 lists in byte order; some compatible stores do not.
        return found.sorted { ObjectKeyRule.precedes($0.key, $1.key) }
    }

    package func subfolders(of folder: String) async throws(TesseraError) -> [String] {
        let prefix = folder.isEmpty ? "" : folder + "/"
        try ObjectKeyRule.check(prefix: prefix)
        var names: [String] = []
        try await pages(query: [("prefix", prefix), ("delimiter", "/")]) { page in
            for item in page.all("CommonPrefixes") {
                guard let whole = item["Prefix"]?.text, whole.hasPrefix(prefix) else { continue }
                names.append(String(whole.dropFirst(prefix.count).dropLast()))
            }
        }
        return names.filter { (try? ObjectKeyRule.check($0)) != nil }
            .sorted(by: ObjectKeyRule.precedes)
    }

    private func pages(
        query: [(String, String)], _ take: (XMLTree) throws(TesseraError) -> Void
    ) async throws(TesseraError) {
        var continuation: String?
        repeat {
            var request = S3Request(method: .get, verb: "list")
            request.query = [("list-type", "2")] + query
            if let continuation { request.query.append(("continuation-token", continuation)) }
            let response = try await client.send(request)
            let page = try client.document(response, "ListBucketResult", request)
            try take(page)
            guard page["IsTruncated"]?.text == "true" else { return }
            guard let next = page["NextContinuationToken"]?.text, next != continuation else {
                throw S3Failure.damaged(
                    "the list is truncated, but the store gave no continuation token",
                    client.attempt(request))
            }
            continuation = next
        } while true
    }

    private static func info(_ item: XMLTree) throws(TesseraError) -> ObjectInfo? {
        guard let key = item["Key"]?.text, let size = item["Size"].flatMap({ UInt64($0.text) }),
            let modified = item["LastModified"].flatMap({ S3Time.date(iso8601: $0.text) })
        else {
            throw TesseraError(
                .unavailable, "the store's list has an entry without key, size or time",
                cause: StoreFailure(isRetryable: true, detail: "damaged answer"))
        }
        guard (try? ObjectKeyRule.check(key)) != nil else { return nil }
        return ObjectInfo(key: key, size: size, modified: modified)
    }
}

extension S3Client {
    /// Parses the answer's document, whose root has to be `name`.
    func document(
        _ response: HTTPResponse, _ name: String, _ request: S3Request
    ) throws(TesseraError) -> XMLTree {
        let tree: XMLTree
        do throws(XMLTree.Malformed) {
            tree = try XMLTree(response.body)
        } catch {
            throw S3Failure.damaged(
                "the answer is broken at byte \(error.offset): \(error.reason)", attempt(request))
        }
        // Some requests run long, succeed by their status, and report a failure in the body.
        if tree.name == "Error" {
            var failed = response
            failed.status = 500
            throw S3Failure.error(failed, attempt(request))
        }
        guard tree.name == name else {
            throw S3Failure.damaged(
                "the answer is '\(tree.name)' where '\(name)' was expected; is this an S3 endpoint?",
                attempt(request))
        }
        return tree
    }
}
