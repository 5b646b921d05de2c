// Access keys, from a file that only its owner can read.
//
// Invariants: keys are kept and compared as SHA-256 digests, in constant time and always all of
// them, so that neither timing nor a core dump reveals a key. No message or log line holds one.
internal import Crypto
package import TesseraBase

/// What a key allows. An admin key may read too.
package enum Access: String, Sendable, Comparable, CaseIterable {
    case read, admin

    package static func < (left: Access, right: Access) -> Bool { left == .read && right == .admin }
}

/// The keys of a server.
package struct AccessKeys: Sendable {
    private struct Key: Sendable {
        let digest: SHA256.Digest
        let access: Access
    }

    /// Characters of the shortest key; shorter ones could be guessed.
    private static let shortestKey = 16

    private let keys: [Key]

    /// Reads a file of lines `read KEY` and `admin KEY`; empty lines and lines that begin with #
    /// are skipped.
    ///
    /// - Throws: `invalidArgument` if other users may read the file or a line is not a key,
    ///   `notFound` if it is missing.
    package init(path: String) throws(TesseraError) {
        try self.init(text: PrivateFile.keys(path: path), name: path)
    }

    init(text: String, name: String) throws(TesseraError) {
        var keys: [Key] = []
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false)
            .enumerated()
        {
            let words = line.split(whereSeparator: \.isWhitespace)
            guard let first = words.first, !first.hasPrefix("#") else { continue }
            guard words.count == 2, let access = Access(rawValue: String(first)),
                words[1].utf8.count >= Self.shortestKey
            else {
                throw TesseraError(
                    .invalidArgument,
                    "\(name): line \(number + 1) is not a key; write 'read KEY' or 'admin KEY', each "
                        + "key with \(Self.shortestKey) characters or more, as `openssl rand -hex 24` "
                        + "makes them"
                )
            }
            keys.append(Key(digest: SHA256.hash(data: Array(words[1].utf8)), access: access))
        }
        guard !keys.isEmpty else {
            throw TesseraError(
                .invalidArgument, "\(name) holds no key; write 'read KEY' or 'admin KEY' lines")
        }
        self.keys = keys
    }

    /// The access that `key` grants; nil for an unknown key.
    package func access(of key: String) -> Access? {
        let digest = SHA256.hash(data: Array(key.utf8))
        var found: Access?
        for known in keys where known.digest == digest { found = max(found ?? .read, known.access) }
        return found
    }
}
