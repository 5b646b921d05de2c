// A store that passes everything on, for tests that change one thing about another store.
package import ObjectStore
package import TesseraBase

/// Forwards each call to `base`; a conforming type replaces the ones it is about.
package protocol StoreWrapper: ObjectStore {
    var base: any ObjectStore { get }
}

extension StoreWrapper {
    package var address: String { base.address }

    package func get(_ key: ObjectKey, range: Range<UInt64>?) async throws(TesseraError) -> [UInt8]
    {
        try await base.get(key, range: range)
    }

    package func get(_ key: ObjectKey, ranges: [Range<UInt64>]) async throws(TesseraError)
        -> [[UInt8]]
    {
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
}
