// Checks objects against the digest they are named by.
//
// Ranges are not checked here: the format's own checksums cover them. A reader that finds one
// damaged calls `invalidate` and reads once more.
package import Foundation
package import TesseraBase

/// Passes requests on to `base`; a whole content-addressed object is returned only if it has the
/// digest of its name.
package struct VerifyingStore: ObjectStore {
    /// Objects up to this size are hashed on the calling thread, larger ones on the threads for
    /// blocking work.
    private static let inlineBytes = 64 << 10

    private let base: any ObjectStore

    package init(_ base: any ObjectStore) {
        self.base = base
    }

    package var address: String { base.address }

    /// An object that does not match is read once more, past cached copies; then it is `corrupted`.
    package func get(
        _ key: ObjectKey, range: Range<UInt64>?
    ) async throws(TesseraError) -> [UInt8] {
        let bytes = try await base.get(key, range: range)
        guard range == nil, let expected = ContentKey.digest(of: key) else { return bytes }
        if try await digest(of: bytes) == expected { return bytes }
        await base.invalidate(key)
        let again = try await base.get(key, range: nil)
        let found = try await digest(of: again)
        if found == expected { return again }
        throw TesseraError(
            .corrupted,
            "object '\(key)' in \(address) is damaged: read twice, its \(again.count) bytes have the SHA-256 "
                + "\(found), not the one it is named by; restore it, or publish its source again")
    }

    package func get(
        _ key: ObjectKey, ranges: [Range<UInt64>]
    ) async throws(TesseraError) -> [[UInt8]] {
        try await base.get(key, ranges: ranges)
    }

    package func head(_ key: ObjectKey) async throws(TesseraError) -> ObjectInfo? {
        try await base.head(key)
    }

    package func list(prefix: String) async throws(TesseraError) -> [ObjectInfo] {
        try await base.list(prefix: prefix)
    }

    package func put(_ key: ObjectKey, _ bytes: [UInt8]) async throws(TesseraError) {
        try await base.put(key, bytes)
    }

    package func create(_ key: ObjectKey, _ bytes: [UInt8]) async throws(TesseraError) -> Bool {
        try await base.create(key, bytes)
    }

    package func delete(_ key: ObjectKey) async throws(TesseraError) {
        try await base.delete(key)
    }

    package func delete(_ keys: [ObjectKey]) async throws(TesseraError) {
        try await base.delete(keys)
    }

    package func subfolders(of folder: String) async throws(TesseraError) -> [String] {
        try await base.subfolders(of: folder)
    }

    package func staleTemporaryFiles(
        prefix: String, olderThan date: Date, apply: Bool
    ) async throws(TesseraError) -> [ObjectInfo] {
        try await base.staleTemporaryFiles(prefix: prefix, olderThan: date, apply: apply)
    }

    package func blockingReader(_ key: ObjectKey) throws(TesseraError) -> (any BlockingReader)? {
        try base.blockingReader(key)
    }

    package func invalidate(_ key: ObjectKey) async {
        await base.invalidate(key)
    }

    private func digest(of bytes: [UInt8]) async throws(TesseraError) -> ContentDigest {
        guard bytes.count > Self.inlineBytes else { return ContentDigest(of: bytes) }
        return try await BlockingIO.shared.run { () throws(TesseraError) in
            ContentDigest(of: bytes)
        }
    }
}
