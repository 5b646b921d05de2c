// A store in memory: for tests, and the shortest description of what a store does.
internal import Foundation
internal import Synchronization
package import TesseraBase

/// Keeps objects in a dictionary, as long as the value lives.
package final class MemoryStore: ObjectStore {
    package let isLocal = true
    package let address = "memory:"
    private let clock: WallClock
    private let objects = Mutex<[ObjectKey: StoredObject]>([:])

    private struct StoredObject {
        let bytes: [UInt8]
        let modified: Date

        func info(_ key: ObjectKey) -> ObjectInfo {
            ObjectInfo(key: key, size: UInt64(bytes.count), modified: modified)
        }
    }

    /// - Parameter clock: gives objects their time of writing.
    package init(clock: WallClock = .system) {
        self.clock = clock
    }

    package func get(
        _ key: ObjectKey, range: Range<UInt64>?
    ) async throws(TesseraError) -> [UInt8] {
        let bytes = try content(key)
        guard let range else { return bytes }
        try RangeReads.check(range, size: UInt64(bytes.count), of: "object '\(key)'")
        return Array(bytes[Int(range.lowerBound)..<Int(range.upperBound)])
    }

    package func get(
        _ key: ObjectKey, ranges: [Range<UInt64>]
    ) async throws(TesseraError) -> [[UInt8]] {
        let bytes = try content(key)
        var parts: [[UInt8]] = []
        for range in ranges {
            try RangeReads.check(range, size: UInt64(bytes.count), of: "object '\(key)'")
            parts.append(Array(bytes[Int(range.lowerBound)..<Int(range.upperBound)]))
        }
        return parts
    }

    package func head(_ key: ObjectKey) async throws(TesseraError) -> ObjectInfo? {
        try ObjectKeyRule.check(key)
        return objects.withLock { $0[key]?.info(key) }
    }

    package func list(prefix: String) async throws(TesseraError) -> [ObjectInfo] {
        try ObjectKeyRule.check(prefix: prefix)
        let found = objects.withLock { objects in
            objects.filter { $0.key.hasPrefix(prefix) }.map { $0.value.info($0.key) }
        }
        return found.sorted { ObjectKeyRule.precedes($0.key, $1.key) }
    }

    package func put(_ key: ObjectKey, _ bytes: [UInt8]) async throws(TesseraError) {
        try ObjectKeyRule.check(key)
        let object = StoredObject(bytes: bytes, modified: clock.now())
        objects.withLock { $0[key] = object }
    }

    package func create(_ key: ObjectKey, _ bytes: [UInt8]) async throws(TesseraError) -> Bool {
        try ObjectKeyRule.check(key)
        let object = StoredObject(bytes: bytes, modified: clock.now())
        return objects.withLock { objects in
            if objects[key] != nil { return false }
            objects[key] = object
            return true
        }
    }

    package func delete(_ key: ObjectKey) async throws(TesseraError) {
        try ObjectKeyRule.check(key)
        objects.withLock { _ = $0.removeValue(forKey: key) }
    }

    package func blockingReader(_ key: ObjectKey) throws(TesseraError) -> (any BlockingReader)? {
        MemoryReader(name: "object '\(key)'", bytes: try content(key))
    }

    private func content(_ key: ObjectKey) throws(TesseraError) -> [UInt8] {
        try ObjectKeyRule.check(key)
        guard let object = objects.withLock({ $0[key] }) else {
            throw TesseraError(.notFound, "there is no object '\(key)' in \(address)")
        }
        return object.bytes
    }
}

/// Reads an object as it was when the reader was made.
private struct MemoryReader: BlockingReader {
    let name: String
    let bytes: [UInt8]
    var size: UInt64 { UInt64(bytes.count) }

    func read(
        at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer
    ) throws(TesseraError) {
        guard offset <= size, UInt64(buffer.count) <= size - offset else {
            throw TesseraError(
                .corrupted,
                "\(name) ends at byte \(size), before byte \(offset) plus \(buffer.count)")
        }
        let start = Int(offset)
        buffer.copyBytes(from: bytes[start..<start + buffer.count])
    }
}
