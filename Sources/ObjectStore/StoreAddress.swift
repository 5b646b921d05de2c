// Parses store addresses and opens stores. New kinds of stores are added here only.
internal import Foundation
import HTTPClient
package import TesseraBase

/// A parsed store address.
package enum StoreAddress: Sendable, Equatable {
    /// A folder of this machine; the path is absolute.
    case folder(path: String)
    /// A bucket, and a folder inside it; "" is the bucket itself.
    case bucket(name: String, prefix: String)

    /// Parses `file:///absolute/path` (percent-decoded), plain paths, and `s3://bucket/prefix`
    /// (taken as it is).
    ///
    /// Throws `invalidArgument` for anything else.
    package init(_ text: String) throws(TesseraError) {
        guard let separator = text.range(of: "://") else {
            self = .folder(path: try Self.absolute(text))
            return
        }
        switch text[..<separator.lowerBound].lowercased() {
        case "file":
            self = .folder(path: try Self.filePath(text, after: text[separator.upperBound...]))
        case "s3":
            self = try Self.bucket(text, after: text[separator.upperBound...])
        default:
            throw Self.refusal(text, "its scheme is unknown")
        }
    }

    private static func filePath(
        _ text: String, after rest: Substring
    ) throws(TesseraError) -> String {
        let encoded = rest.hasPrefix("localhost/") ? rest.dropFirst("localhost".count) : rest
        guard encoded.hasPrefix("/") else {
            throw refusal(text, "a file address needs three slashes and an absolute path")
        }
        guard let path = String(encoded).removingPercentEncoding else {
            throw refusal(text, "its percent-encoding is broken (write a '%' as '%25')")
        }
        return try absolute(path)
    }

    private static func bucket(_ text: String, after rest: Substring) throws(TesseraError) -> Self {
        let parts = rest.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts[0])
        let isClean = name.allSatisfy {
            $0.isASCII && ($0.isLetter || $0.isNumber || "-._".contains($0))
        }
        guard isClean, (3...255).contains(name.utf8.count), !name.hasPrefix(".") else {
            throw refusal(
                text, "'\(name)' is not a bucket name: one has 3 to 63 letters, digits, '-' or '.'")
        }
        var prefix = parts.count > 1 ? parts[1] : ""
        while prefix.hasSuffix("/") { prefix.removeLast() }
        if !prefix.isEmpty { try ObjectKeyRule.check(String(prefix)) }
        return .bucket(name: name, prefix: String(prefix))
    }

    /// Cleans a path by its text alone, so that an address means the same before and after the
    /// folder exists.
    private static func absolute(_ path: String) throws(TesseraError) -> String {
        guard !path.isEmpty else { throw refusal(path, "it is empty") }
        guard !path.unicodeScalars.contains(where: { $0.value < 32 || $0.value == 127 }) else {
            throw refusal(path, "it has a control character")
        }
        let whole =
            path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
        let parts = whole.split(separator: "/").filter { $0 != "." }
        guard !parts.contains("..") else { return URL(filePath: whole).standardizedFileURL.path }
        return "/" + parts.joined(separator: "/")
    }

    private static func refusal(_ text: String, _ reason: String) -> TesseraError {
        TesseraError(
            .invalidArgument,
            "store address '\(text)' cannot be used: \(reason); "
                + "examples: file:///data/tessera, /data/tessera, ./tessera, s3://bucket/tessera")
    }
}

/// An opened store; a remote one in its wrappers.
package struct OpenedStore: Sendable {
    /// The store for reads, which may be served from a cache.
    package let store: any ObjectStore
    /// The store without a cache, for publish, verify and doctor.
    package let uncached: any ObjectStore
    /// Counts the requests to a remote store; nil for a folder.
    package let meter: MeteredStore?
    /// The cache of a remote store on this machine; nil without one.
    package let cache: CachingStore?
}

/// Opens the store at `address`. Nothing is created, and no server asked, before the first use.
///
/// - Parameters:
///   - s3: settings of an S3 store besides its address; missing ones are taken from `environment`.
///   - cache: where to keep what a remote store sent; a folder needs none.
///   - environment: the variables that AWS's own tools read.
package func openStore(
    _ address: String, s3: S3Settings = S3Settings(), cache: StoreStack.Cache? = nil,
    environment: [String: String] = ProcessInfo.processInfo.environment
) throws(TesseraError) -> OpenedStore {
    switch try StoreAddress(address) {
    case .folder(let path):
        let store = try openFolder(path, address: address)
        return OpenedStore(store: store, uncached: store, meter: nil, cache: nil)
    case .bucket(let name, let prefix):
        let settings = s3.completed(from: environment)
        let chain = CredentialsChain.standard(
            environment, region: settings.signingRegion, client: .shared)
        let bucket = try S3Store(
            bucket: name, settings: settings, credentials: CachedCredentials(chain))
        let base: any ObjectStore =
            prefix.isEmpty ? bucket : try PrefixedStore(bucket, folder: prefix)
        var whole: StoreStack.Cache?
        if let cache {
            whole = StoreStack.Cache(
                folder: try cachePath(cache.folder), budgetBytes: cache.budgetBytes)
        }
        let stack = StoreStack(base, cache: whole)
        return OpenedStore(
            store: stack.store, uncached: stack.uncached, meter: stack.meter, cache: stack.cache)
    }
}

/// The cache's folder as an absolute path.
private func cachePath(_ folder: String) throws(TesseraError) -> String {
    guard case .folder(let path) = try StoreAddress(folder) else {
        throw TesseraError(
            .invalidArgument, "'\(folder)' cannot be a cache: name a folder of this machine")
    }
    return try openFolder(path, address: folder).root
}

private func openFolder(_ path: String, address: String) throws(TesseraError) -> FileStore {
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue {
        throw TesseraError(
            .invalidArgument,
            "store address '\(address)' cannot be used: it is a file; name a folder")
    }
    return FileStore(root: path)
}
