// Counts the requests to a store.
package import Foundation
internal import Synchronization
package import TesseraBase

/// Passes requests on to `base`, and counts them, their bytes and their time.
///
/// One call may be several requests: ranges count as many as the stores make of them after joining
/// neighbours, lists by pages of 1,000. A multipart upload counts as one.
package final class MeteredStore: ObjectStore {
    /// Keys in a page of a list, in S3.
    private static let pageKeys = 1000

    private let base: any ObjectStore
    private let clock: SteadyClock
    private let counted = Mutex(StoreUsage())

    package init(_ base: any ObjectStore, clock: SteadyClock = .system) {
        self.base = base
        self.clock = clock
    }

    package var address: String { base.address }

    /// Everything counted so far. The difference of two states is the usage between them, by all
    /// callers.
    package var usage: StoreUsage { counted.withLock { $0 } }

    package func get(
        _ key: ObjectKey, range: Range<UInt64>?
    ) async throws(TesseraError) -> [UInt8] {
        try await count(.get, reading: { $0.count }) { () throws(TesseraError) in
            try await base.get(key, range: range)
        }
    }

    package func get(
        _ key: ObjectKey, ranges: [Range<UInt64>]
    ) async throws(TesseraError) -> [[UInt8]] {
        let requests = RangeReads.coalesce(ranges).count
        return try await count(
            .get, requests: { _ in requests }, reading: { $0.reduce(0) { $0 + $1.count } }
        ) { () throws(TesseraError) in try await base.get(key, ranges: ranges) }
    }

    package func head(_ key: ObjectKey) async throws(TesseraError) -> ObjectInfo? {
        try await count(.head) { () throws(TesseraError) in try await base.head(key) }
    }

    package func list(prefix: String) async throws(TesseraError) -> [ObjectInfo] {
        try await count(.list, requests: { Self.pages($0?.count ?? 0) }) {
            () throws(TesseraError) in try await base.list(prefix: prefix)
        }
    }

    package func put(_ key: ObjectKey, _ bytes: [UInt8]) async throws(TesseraError) {
        try await count(.put, writing: bytes.count) { () throws(TesseraError) in
            try await base.put(key, bytes)
        }
    }

    package func create(_ key: ObjectKey, _ bytes: [UInt8]) async throws(TesseraError) -> Bool {
        try await count(.put, writing: bytes.count) { () throws(TesseraError) in
            try await base.create(key, bytes)
        }
    }

    package func delete(_ key: ObjectKey) async throws(TesseraError) {
        try await count(.delete) { () throws(TesseraError) in try await base.delete(key) }
    }

    /// Counts one request per 1,000 keys, as S3 takes them.
    package func delete(_ keys: [ObjectKey]) async throws(TesseraError) {
        try await count(.delete, requests: { _ in keys.isEmpty ? 0 : Self.pages(keys.count) }) {
            () throws(TesseraError) in try await base.delete(keys)
        }
    }

    package func subfolders(of folder: String) async throws(TesseraError) -> [String] {
        try await count(.list, requests: { Self.pages($0?.count ?? 0) }) {
            () throws(TesseraError) in try await base.subfolders(of: folder)
        }
    }

    package func staleTemporaryFiles(
        prefix: String, olderThan date: Date, apply: Bool
    ) async throws(TesseraError) -> [ObjectInfo] {
        try await count(.list, requests: { Self.pages($0?.count ?? 0) }) {
            () throws(TesseraError) in
            try await base.staleTemporaryFiles(prefix: prefix, olderThan: date, apply: apply)
        }
    }

    /// Reads of a local object are no requests, and not counted.
    package func blockingReader(_ key: ObjectKey) throws(TesseraError) -> (any BlockingReader)? {
        try base.blockingReader(key)
    }

    package func invalidate(_ key: ObjectKey) async {
        await base.invalidate(key)
    }

    private static func pages(_ keys: Int) -> Int {
        max(1, (keys + pageKeys - 1) / pageKeys)
    }

    /// - Parameter requests: number of requests behind an answer; called with nil for a failed
    ///   call.
    private func count<Value>(
        _ operation: StoreOperation, requests: (Value?) -> Int = { _ in 1 },
        writing: Int = 0, reading: (Value) -> Int = { _ in 0 },
        _ body: () async throws(TesseraError) -> Value
    ) async throws(TesseraError) -> Value {
        let start = clock.now()
        let result = await outcome(body)
        let time = clock.now() - start
        let value = try? result.get()
        let bytesRead = value.map(reading) ?? 0
        let number = requests(value)
        counted.withLock { usage in
            usage.update(operation) { usage in
                usage.requests += number
                usage.failures += value == nil ? 1 : 0
                usage.bytesRead += UInt64(bytesRead)
                usage.bytesWritten += UInt64(writing)
                usage.latency.record(time)
            }
        }
        return try result.get()
    }
}
