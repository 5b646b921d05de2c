// The state of one index in a store: which versions exist, which drafts wait, and how objects get
// there.
//
// Invariants: a version appears only by `create` and after all its objects were read back; a
// published version is never written again, only replaced by a tombstone; version numbers are never
// reused; there is no lock and no mutable pointer, so any process may die at any moment.
internal import Foundation
package import ObjectStore
package import TesseraBase

/// One index of a store. A value holds no state; make as many as needed.
package struct Catalog: Sendable {
    package let index: IndexName
    /// The index's own folder: keys in it are those of ``ObjectKind/key(_:)``.
    package let store: any ObjectStore
    let base: any ObjectStore
    let clock: WallClock
    let options: CatalogOptions

    /// - Parameters:
    ///   - store: the store that holds the index.
    ///   - clock: must agree with the store's times to within hours.
    package init(
        store: any ObjectStore, index: IndexName, clock: WallClock = .system,
        options: CatalogOptions = CatalogOptions()
    ) throws(TesseraError) {
        self.index = index
        self.base = store
        self.store = try PrefixedStore(store, folder: index.text)
        self.clock = clock
        self.options = options
    }

    /// Stores content under its digest. Content that is there already is not sent again, except
    /// where garbage collection might remove it before a draft names it: where it is old and the
    /// latest version does not hold it.
    package func putObject(
        _ kind: ObjectKind, _ bytes: [UInt8], held: HeldObjects = .none
    ) async throws(TesseraError) -> ContentDigest {
        let digest = ContentDigest(of: bytes)
        let key = kind.key(digest)
        if let info = try await store.head(key), info.size == UInt64(bytes.count),
            held.keys.contains(key) || !isOlder(info.modified, than: options.gracePeriod / 2)
        {
            return digest
        }
        try await store.put(key, bytes)
        return digest
    }

    /// The objects of the latest version; none where it cannot be read. O(versions) to list and one
    /// read.
    package func heldByLatest() async throws(TesseraError) -> HeldObjects {
        guard let number = try await latestVersionNumber(),
            case .published(let manifest)? = try await versionState(number)
        else { return .none }
        return HeldObjects(keys: Set(manifest.index.objects.map(\.key)))
    }

    func isOlder(_ date: Date, than age: Duration) -> Bool {
        clock.now().timeIntervalSince(date) > age.seconds
    }

    /// How errors name an object: with the index, so that one line in a log is enough.
    func label(_ key: ObjectKey) -> String { "'\(index)/\(key)' in \(base.address)" }
}

/// Objects that were the latest version's when a build began.
///
/// Collection keeps the latest version, and an older one until a grace period after it was
/// replaced. So these objects stay at least that long, which a build has to end within in any case.
package struct HeldObjects: Sendable {
    /// No objects.
    package static let none = HeldObjects(keys: [])

    let keys: Set<ObjectKey>

    /// The number of objects.
    package var count: Int { keys.count }
}

/// Settings of a catalog, which tests change.
package struct CatalogOptions: Sendable {
    /// Objects and drafts younger than this are never collected.
    package var gracePeriod: Duration
    /// Objects that are verified or removed concurrently.
    package var concurrency: Int
    /// Makes ids that no other process makes. They need not be reproducible, only different.
    package var makeNonce: @Sendable () -> String

    package init(
        gracePeriod: Duration = .seconds(24 * 3600), concurrency: Int = 8,
        makeNonce: @escaping @Sendable () -> String = { UUID().uuidString.lowercased() }
    ) {
        precondition(concurrency > 0, "a catalog needs a concurrency of at least 1")
        self.gracePeriod = gracePeriod
        self.concurrency = concurrency
        self.makeNonce = makeNonce
    }
}
