// The rules for keys. Every store checks it first, so that no key can leave a store's root, hide
// among its temporary files, or mean one thing on a disk and another in a bucket.
internal import Foundation
internal import TesseraBase

/// The rule for keys and for the prefixes of lists.
enum ObjectKeyRule {
    /// Longest key that S3 allows, in bytes.
    static let maximumKeyBytes = 1024
    /// Longest file name that Linux allows, in bytes.
    static let maximumPartBytes = 255

    /// Throws `invalidArgument` for a key that is not a clean relative path.
    static func check(_ key: ObjectKey) throws(TesseraError) {
        guard !key.isEmpty else { throw refusal(key, "it is empty") }
        guard key.utf8.count <= maximumKeyBytes else {
            throw refusal(key, "it is longer than \(maximumKeyBytes) bytes")
        }
        for part in key.split(separator: "/", omittingEmptySubsequences: false) {
            try check(part: part, of: key)
        }
    }

    /// A prefix is a key whose last part may be cut short, or missing.
    static func check(prefix: String) throws(TesseraError) {
        let (folder, rest) = split(prefix: prefix)
        if prefix.hasPrefix("/") { throw refusal(prefix, "it begins with '/'") }
        if !folder.isEmpty { try check(folder) }
        if hasControlCharacter(rest) { throw refusal(prefix, "it has a control character") }
    }

    /// Splits a prefix into a folder and the start of a name: "a/b/c" is "c…" in the folder "a/b".
    static func split(prefix: String) -> (folder: String, rest: String) {
        guard let slash = prefix.lastIndex(of: "/") else { return ("", prefix) }
        return (String(prefix[..<slash]), String(prefix[prefix.index(after: slash)...]))
    }

    /// Whether a key precedes another in byte order, as S3 lists them. Swift orders strings by
    /// Unicode equivalence.
    static func precedes(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }

    private static func check(part: Substring, of key: ObjectKey) throws(TesseraError) {
        if part.isEmpty { throw refusal(key, "it has an empty part") }
        if part == "." || part == ".." { throw refusal(key, "it has the part '\(part)'") }
        if hasControlCharacter(part) { throw refusal(key, "it has a control character") }
        if TemporaryName.matches(part) {
            throw refusal(key, "names like '\(part)' are kept for temporary files")
        }
        if part.utf8.count > maximumPartBytes {
            throw refusal(key, "a part of it is longer than \(maximumPartBytes) bytes")
        }
    }

    private static func hasControlCharacter(_ text: some StringProtocol) -> Bool {
        text.unicodeScalars.contains { $0.properties.generalCategory == .control }
    }

    private static func refusal(_ key: String, _ reason: String) -> TesseraError {
        let shown = key.unicodeScalars.map { $0.escaped(asASCII: false) }.joined()
        return TesseraError(
            .invalidArgument,
            "object key '\(shown)' cannot be used: \(reason); a key is like 'photos/versions/0000000001.json'"
        )
    }
}

/// The names of files that are still being written: `.tessera-<pid>-<random>.tmp`.
enum TemporaryName {
    static func matches(_ name: some StringProtocol) -> Bool {
        name.hasPrefix(".tessera-") && name.hasSuffix(".tmp")
    }

    /// A name that no other process or thread uses. It must differ between processes, so it is not
    /// seeded.
    static func make() -> String {
        ".tessera-\(ProcessInfo.processInfo.processIdentifier)-\(UUID().uuidString.lowercased()).tmp"
    }
}
