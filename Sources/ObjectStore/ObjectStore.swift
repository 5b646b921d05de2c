// The protocol of all stores. Tessera's durability rests on `create`: put-if-absent, atomic between
// processes and machines.
package import Foundation
package import TesseraBase

/// A path inside a store: `/`-separated, relative, without `.` or `..` parts.
package typealias ObjectKey = String

/// What a store knows of an object without reading it.
package struct ObjectInfo: Sendable, Equatable {
    package let key: ObjectKey
    package let size: UInt64
    package let modified: Date

    package init(key: ObjectKey, size: UInt64, modified: Date) {
        self.key = key
        self.size = size
        self.modified = modified
    }
}

/// A store of immutable objects.
///
/// All calls throw ``TesseraError``: `notFound` for a missing object, `invalidArgument` for a bad
/// key or a range past the end, `resourceExhausted` where the disk is full, `unavailable` for
/// anything the store cannot do now.
package protocol ObjectStore: Sendable {
    /// The address as a user writes it: `file:///data/idx`.
    var address: String { get }

    /// Whether every object can be read in place, by ``blockingReader(_:)``.
    var isLocal: Bool { get }

    /// The whole object, or the bytes in `range`.
    func get(_ key: ObjectKey, range: Range<UInt64>?) async throws(TesseraError) -> [UInt8]

    /// Several ranges of one object, in the order given. Stores read neighbouring ranges together.
    func get(_ key: ObjectKey, ranges: [Range<UInt64>]) async throws(TesseraError) -> [[UInt8]]

    /// Size and time, or nil where there is no such object.
    func head(_ key: ObjectKey) async throws(TesseraError) -> ObjectInfo?

    /// All objects whose key begins with `prefix`, ascending by key.
    func list(prefix: String) async throws(TesseraError) -> [ObjectInfo]

    /// Writes the object, replacing one that is there; readers see the old or the new one, never a
    /// mixture.
    func put(_ key: ObjectKey, _ bytes: [UInt8]) async throws(TesseraError)

    /// Writes the object unless there is one: true for exactly one of any number of racing writers.
    func create(_ key: ObjectKey, _ bytes: [UInt8]) async throws(TesseraError) -> Bool

    /// Removes the object; a missing one is no error.
    func delete(_ key: ObjectKey) async throws(TesseraError)

    /// Removes many objects; missing ones are no error. After a failure, any of them may be gone.
    func delete(_ keys: [ObjectKey]) async throws(TesseraError)

    /// The names directly under `folder` ("" is the store itself) that lead to objects, ascending.
    func subfolders(of folder: String) async throws(TesseraError) -> [String]

    /// Temporary files that killed writers left under `prefix` before `date`; with `apply` they are
    /// removed as well.
    ///
    /// Such files are never listed or read as objects. A store whose writes leave nothing behind
    /// returns none.
    func staleTemporaryFiles(
        prefix: String, olderThan date: Date, apply: Bool
    ) async throws(TesseraError) -> [ObjectInfo]

    /// A reader that stays on the calling thread; nil unless the store is local.
    func blockingReader(_ key: ObjectKey) throws(TesseraError) -> (any BlockingReader)?

    /// Drops cached copies of the object, so that the next read goes to the store.
    ///
    /// Readers whose checksums find an object damaged call this, then read once more. A reader from
    /// ``blockingReader(_:)`` that is open already goes on reading the old copy.
    func invalidate(_ key: ObjectKey) async
}

/// Reads one local object on the calling thread. Safe to use from several threads at once.
package protocol BlockingReader: Sendable {
    var size: UInt64 { get }

    /// Fills `buffer` from `offset`. Throws `corrupted` where the object ends before.
    func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(TesseraError)
}

extension ObjectStore {
    package var isLocal: Bool { false }

    /// The whole object.
    package func get(_ key: ObjectKey) async throws(TesseraError) -> [UInt8] {
        try await get(key, range: nil)
    }

    /// Default: one request per key. Override where one request takes many keys.
    package func delete(_ keys: [ObjectKey]) async throws(TesseraError) {
        for key in keys { try ObjectKeyRule.check(key) }
        for key in keys { try await delete(key) }
    }

    package func blockingReader(_ key: ObjectKey) throws(TesseraError) -> (any BlockingReader)? {
        nil
    }

    /// Default for stores without cached copies: does nothing.
    package func invalidate(_ key: ObjectKey) async {}

    package func staleTemporaryFiles(
        prefix: String, olderThan date: Date, apply: Bool
    ) async throws(TesseraError) -> [ObjectInfo] {
        []
    }

    /// Default: lists everything below the folder. Override where one level can be listed.
    package func subfolders(of folder: String) async throws(TesseraError) -> [String] {
        let prefix = folder.isEmpty ? "" : folder + "/"
        var names: [String] = []
        for info in try await list(prefix: prefix) {
            let parts = info.key.dropFirst(prefix.count).split(separator: "/", maxSplits: 1)
            guard parts.count == 2, names.last != String(parts[0]) else { continue }
            names.append(String(parts[0]))
        }
        return Array(Set(names)).sorted(by: ObjectKeyRule.precedes)
    }
}
