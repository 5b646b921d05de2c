// Files that hold secrets, which other users must not be able to read.
import Foundation

/// Reads small text files that only their owner can read.
package enum PrivateFile {
    private static let largestBytes = 1 << 20

    /// The text of a file of keys.
    ///
    /// - Throws: `notFound` where it is missing, `invalidArgument` where others may read it or it
    ///   is no text.
    package static func keys(path: String) throws(TesseraError) -> String {
        // The mode has to be the file's own, not that of a link to it.
        let resolved = URL(filePath: path).resolvingSymlinksInPath().path
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: resolved) else {
            throw TesseraError(.notFound, "the key file \(path) cannot be found")
        }
        let mode = attributes[.posixPermissions] as? Int ?? 0o777
        guard mode & 0o077 == 0 else {
            throw TesseraError(
                .invalidArgument,
                "the key file \(path) can be read by others (mode \(String(mode & 0o777, radix: 8))); "
                    + "run chmod 600 on it")
        }
        guard attributes[.size] as? Int ?? .max <= largestBytes,
            let text = try? String(contentsOfFile: resolved, encoding: .utf8)
        else {
            throw TesseraError(
                .invalidArgument, "the key file \(path) cannot be read as UTF-8 text")
        }
        return text
    }
}
