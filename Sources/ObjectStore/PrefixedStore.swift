// One folder of a store, seen as a store of its own. An index is such a folder.
package import Foundation
package import TesseraBase

/// Passes everything on to `base`, with `prefix` before each key. Errors name the key in `base`.
package struct PrefixedStore: ObjectStore {
    private let base: any ObjectStore
    /// Ends in "/".
    private let prefix: String

    /// - Parameter folder: a key without a slash at its end, like "photos".
    package init(_ base: any ObjectStore, folder: String) throws(TesseraError) {
        try ObjectKeyRule.check(folder)
        self.base = base
        prefix = folder + "/"
    }

    package var isLocal: Bool { base.isLocal }

    package var address: String {
        (base.address.hasSuffix("/") ? base.address : base.address + "/") + prefix.dropLast()
    }

    package func get(
        _ key: ObjectKey, range: Range<UInt64>?
    ) async throws(TesseraError) -> [UInt8] {
        try await base.get(full(key), range: range)
    }

    package func get(
        _ key: ObjectKey, ranges: [Range<UInt64>]
    ) async throws(TesseraError) -> [[UInt8]] {
        try await base.get(full(key), ranges: ranges)
    }

    package func head(_ key: ObjectKey) async throws(TesseraError) -> ObjectInfo? {
        try await base.head(full(key)).map(relative)
    }

    package func list(prefix: String) async throws(TesseraError) -> [ObjectInfo] {
        try await base.list(prefix: self.prefix + prefix).map(relative)
    }

    package func put(_ key: ObjectKey, _ bytes: [UInt8]) async throws(TesseraError) {
        try await base.put(full(key), bytes)
    }

    package func create(_ key: ObjectKey, _ bytes: [UInt8]) async throws(TesseraError) -> Bool {
        try await base.create(full(key), bytes)
    }

    package func delete(_ key: ObjectKey) async throws(TesseraError) {
        try await base.delete(full(key))
    }

    package func delete(_ keys: [ObjectKey]) async throws(TesseraError) {
        var whole: [ObjectKey] = []
        for key in keys { whole.append(try full(key)) }
        try await base.delete(whole)
    }

    package func subfolders(of folder: String) async throws(TesseraError) -> [String] {
        try await base.subfolders(of: folder.isEmpty ? String(prefix.dropLast()) : full(folder))
    }

    package func staleTemporaryFiles(
        prefix: String, olderThan date: Date, apply: Bool
    ) async throws(TesseraError) -> [ObjectInfo] {
        try await base.staleTemporaryFiles(
            prefix: self.prefix + prefix, olderThan: date, apply: apply
        ).map(relative)
    }

    package func blockingReader(_ key: ObjectKey) throws(TesseraError) -> (any BlockingReader)? {
        try base.blockingReader(full(key))
    }

    package func invalidate(_ key: ObjectKey) async {
        await base.invalidate(prefix + key)
    }

    /// The key in `base`. It is checked by itself first, since the rule may judge it differently
    /// with the prefix.
    private func full(_ key: ObjectKey) throws(TesseraError) -> ObjectKey {
        try ObjectKeyRule.check(key)
        return prefix + key
    }

    private func relative(_ info: ObjectInfo) -> ObjectInfo {
        ObjectInfo(
            key: String(info.key.dropFirst(prefix.count)), size: info.size, modified: info.modified)
    }
}
