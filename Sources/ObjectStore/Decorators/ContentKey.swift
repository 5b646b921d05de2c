// Keys that say what the object holds.
internal import TesseraBase

/// Keys of immutable objects: `…/<SHA-256 in 64 hexadecimal digits>.tsr`.
enum ContentKey {
    static let suffix = ".tsr"

    /// The digest the object at `key` must have; nil where the key promises none.
    static func digest(of key: ObjectKey) -> ContentDigest? {
        guard key.hasSuffix(suffix) else { return nil }
        let name = key.split(separator: "/").last ?? ""
        return try? ContentDigest(hex: String(name.dropLast(suffix.count)))
    }
}
