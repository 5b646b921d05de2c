// The names of a catalog: indexes, drafts, versions and the keys of their objects.
package import ObjectStore
package import TesseraBase

/// The name of an index, which is its folder in the store: `[a-z0-9][a-z0-9._-]{0,62}`.
package struct IndexName: Sendable, Hashable, CustomStringConvertible {
    package let text: String

    /// Throws `invalidArgument` for a name that breaks the rule.
    package init(_ text: String) throws(TesseraError) {
        guard Self.isValid(text) else {
            throw TesseraError(
                .invalidArgument,
                "index name '\(text.prefix(80))' cannot be used: take 1 to 63 of a-z, 0-9, '.', '_' "
                    + "and '-', the first a letter or digit")
        }
        self.text = text
    }

    package var description: String { text }

    static func isValid(_ text: String) -> Bool {
        (1...63).contains(text.utf8.count) && text.utf8.first.map(isLetterOrDigit) == true
            && text.utf8.allSatisfy { isLetterOrDigit($0) || "._-".utf8.contains($0) }
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}

/// The kinds of content-addressed objects.
package enum ObjectKind: String, Sendable, CaseIterable {
    case shard
    case router
    case idTable
    case querySet

    /// The folder of this kind under the index.
    var folder: String {
        switch self {
        case .shard: "shards"
        case .router: "routers"
        case .idTable: "ids"
        case .querySet: "queries"
        }
    }

    /// Key of the object with this content, relative to the index.
    package func key(_ digest: ContentDigest) -> ObjectKey {
        "\(folder)/\(digest.hex).tsr"
    }
}

/// Keys of a catalog's documents, relative to the index.
enum CatalogLayout {
    static let versions = "versions/"
    static let drafts = "drafts/"
    /// What a running publish or rollback is about to make visible; see Claim.swift.
    static let claims = "claims/"
    /// Largest version number: ten digits.
    static let maximumVersion = 9_999_999_999

    static func key(version: Int) -> ObjectKey {
        let digits = String(version)
        return versions + String(repeating: "0", count: max(0, 10 - digits.count)) + digits
            + ".json"
    }

    static func key(draft id: String) -> ObjectKey { drafts + id + ".json" }

    static func key(claim id: String) -> ObjectKey { claims + id + ".json" }

    /// The number in a version's key; nil for other files.
    static func version(of key: ObjectKey) -> Int? {
        guard let name = name(of: key, in: versions), name.utf8.count == 10,
            name.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let number = Int(name), number > 0
        else { return nil }
        return number
    }

    /// The id in the key of a draft or claim; nil for other files.
    static func id(of key: ObjectKey, in folder: String) -> String? {
        guard let name = name(of: key, in: folder), isValid(id: name) else { return nil }
        return name
    }

    /// Ids of drafts: letters, digits, '-' and '.', so that they are file names everywhere.
    static func isValid(id: String) -> Bool {
        (1...100).contains(id.utf8.count) && !id.hasPrefix(".")
            && id.unicodeScalars.allSatisfy {
                $0.isASCII
                    && ($0.properties.isAlphabetic || ("0"..."9").contains($0) || $0 == "-"
                        || $0 == ".")
            }
    }

    private static func name(of key: ObjectKey, in folder: String) -> String? {
        guard key.hasPrefix(folder), key.hasSuffix(".json") else { return nil }
        return String(key.dropFirst(folder.count).dropLast(".json".count))
    }
}
