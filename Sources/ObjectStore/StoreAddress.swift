// From what a person types to a store. New kinds of stores are added here, and only here.
internal import Foundation
package import TesseraBase

/// A store address that was understood.
package enum StoreAddress: Sendable, Equatable {
    /// A folder of this machine; the path is absolute.
    case folder(path: String)

    /// Understands `file:///absolute/path` (percent-decoded) and plain paths.
    ///
    /// Throws `unsupported` for `s3://`, `invalidArgument` for anything else.
    package init(_ text: String) throws(TesseraError) {
        guard let separator = text.range(of: "://") else {
            self = .folder(path: try Self.absolute(text))
            return
        }
        switch text[..<separator.lowerBound].lowercased() {
        case "file":
            self = .folder(path: try Self.filePath(text, after: text[separator.upperBound...]))
        case "s3":
            throw TesseraError(
                .unsupported,
                "store address '\(text)': this build has no S3 client; use a folder, like file:///data/tessera"
            )
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

    /// Cleans a path by its text alone, so that an address means the same before and after the folder exists.
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
                + "examples: file:///data/tessera, /data/tessera, ./tessera")
    }
}

/// Opens the store at `address`. Nothing is created before the first write.
package func openStore(_ address: String) throws(TesseraError) -> any ObjectStore {
    switch try StoreAddress(address) {
    case .folder(let path):
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue
        {
            throw TesseraError(
                .invalidArgument,
                "store address '\(address)' cannot be used: it is a file; name a folder")
        }
        return FileStore(root: path)
    }
}
