// Caches reads of immutable objects in a local folder.
//
// Only content-addressed keys are kept, under their digest and range: nothing kept can be out of
// date. Writes go straight to the store and are not kept, so that reading back what was written
// asks the store. Publish, verify and doctor have to know that an object is still in the store, so
// they use a store without a cache.
package import Foundation
package import TesseraBase

/// Counters of a cache since its creation, and what it holds.
package struct CacheStatistics: Sendable, Equatable {
    /// Reads served from the folder, and their bytes.
    package var hits = 0
    package var bytesHit: UInt64 = 0
    /// Reads that had to ask the store, and their bytes.
    package var misses = 0
    package var bytesMissed: UInt64 = 0
    /// Entries that were found damaged and removed.
    package var damaged = 0
    package var writeFailures = 0
    package var entries = 0
    package var bytes: UInt64 = 0

    package init() {}
}

/// Passes requests on to `base`, and answers reads of immutable objects from a local folder where
/// it can.
package final class CachingStore: ObjectStore {
    /// Parts of one object that are fetched at once.
    private static let width = 16

    private let base: any ObjectStore
    private let folder: CacheFolder
    private let flights = SingleFlight<Flight, Fetched>()

    private struct Fetched: Sendable {
        let bytes: [UInt8]
        /// Whether the store had to be asked.
        let isMiss: Bool
    }

    private struct Flight: Hashable {
        let key: ObjectKey
        let span: Range<UInt64>?
    }

    /// - Parameters:
    ///   - folder: an absolute path; it is created with the first entry. Several processes may
    ///     share it.
    ///   - budgetBytes: what the entries' files may take together.
    package init(
        _ base: any ObjectStore, folder: String, budgetBytes: UInt64,
        clock: SteadyClock = .system, wallClock: WallClock = .system
    ) {
        self.base = base
        self.folder = CacheFolder(
            root: folder, budget: budgetBytes, clock: clock, wallClock: wallClock)
    }

    package var address: String { base.address }
    package var statistics: CacheStatistics { folder.statistics }

    package func get(
        _ key: ObjectKey, range: Range<UInt64>?
    ) async throws(TesseraError) -> [UInt8] {
        guard let digest = ContentKey.digest(of: key), range?.isEmpty != true else {
            return try await base.get(key, range: range)
        }
        await folder.ready()
        return try await fetch(key, digest, range)
    }

    /// Missing ranges are fetched and kept; neighbouring ones share a read.
    package func get(
        _ key: ObjectKey, ranges: [Range<UInt64>]
    ) async throws(TesseraError) -> [[UInt8]] {
        guard let digest = ContentKey.digest(of: key), ranges.contains(where: { !$0.isEmpty })
        else { return try await base.get(key, ranges: ranges) }
        await folder.ready()
        let cached = await folder.read(digest, ranges)
        for case let part? in cached {
            hit(part)
            ReadTrace.count(fetched: false)
        }
        let missing = ranges.indices.filter { cached[$0] == nil }
        let wanted = missing.map { ranges[$0] }
        let reads = RangeReads.coalesce(wanted)
        let buffers = try await mapConcurrently(reads.map(\.span), width: Self.width) {
            span throws(TesseraError) in
            try await self.fetch(key, digest, span)
        }
        let fetched = RangeReads.distribute(buffers, of: reads, to: wanted)
        var parts = cached.map { $0 ?? [] }
        for (index, part) in zip(missing, fetched) { parts[index] = part }
        return parts
    }

    package func head(_ key: ObjectKey) async throws(TesseraError) -> ObjectInfo? {
        try await base.head(key)
    }

    package func list(prefix: String) async throws(TesseraError) -> [ObjectInfo] {
        try await base.list(prefix: prefix)
    }

    package func put(_ key: ObjectKey, _ bytes: [UInt8]) async throws(TesseraError) {
        try await base.put(key, bytes)
        await forget(key)
    }

    package func create(_ key: ObjectKey, _ bytes: [UInt8]) async throws(TesseraError) -> Bool {
        try await base.create(key, bytes)
    }

    package func delete(_ key: ObjectKey) async throws(TesseraError) {
        try await base.delete(key)
        await forget(key)
    }

    package func delete(_ keys: [ObjectKey]) async throws(TesseraError) {
        try await base.delete(keys)
        for key in keys { await forget(key) }
    }

    package func subfolders(of folder: String) async throws(TesseraError) -> [String] {
        try await base.subfolders(of: folder)
    }

    package func staleTemporaryFiles(
        prefix: String, olderThan date: Date, apply: Bool
    ) async throws(TesseraError) -> [ObjectInfo] {
        try await base.staleTemporaryFiles(prefix: prefix, olderThan: date, apply: apply)
    }

    /// Reads from the folder if the whole object is cached; otherwise the store's own reader.
    package func blockingReader(_ key: ObjectKey) throws(TesseraError) -> (any BlockingReader)? {
        if let digest = ContentKey.digest(of: key),
            let reader = folder.reader(digest, name: "object '\(key)'")
        {
            return reader
        }
        return try base.blockingReader(key)
    }

    package func invalidate(_ key: ObjectKey) async {
        await forget(key)
        await base.invalidate(key)
    }

    private func forget(_ key: ObjectKey) async {
        guard let digest = ContentKey.digest(of: key) else { return }
        await folder.drop(digest)
    }

    /// Reads from the folder or the store. Concurrent reads of the same bytes share one request.
    private func fetch(
        _ key: ObjectKey, _ digest: ContentDigest, _ span: Range<UInt64>?
    ) async throws(TesseraError) -> [UInt8] {
        let fetched = try await flights.run(Flight(key: key, span: span)) {
            () throws(TesseraError) in
            if let cached = await folder.read(digest, [span])[0] {
                hit(cached)
                return Fetched(bytes: cached, isMiss: false)
            }
            let bytes = try await base.get(key, range: span)
            if let span, UInt64(bytes.count) != span.upperBound - span.lowerBound {
                throw TesseraError(
                    .corrupted,
                    "bytes \(span.lowerBound) to \(span.upperBound) of '\(key)' in \(address) were asked "
                        + "for, but \(bytes.count) bytes came")
            }
            folder.count {
                $0.misses += 1
                $0.bytesMissed += UInt64(bytes.count)
            }
            await folder.save(CacheEntryName(digest: digest, span: span), bytes)
            return Fetched(bytes: bytes, isMiss: true)
        }
        ReadTrace.count(fetched: fetched.isMiss)
        return fetched.bytes
    }

    private func hit(_ bytes: [UInt8]) {
        folder.count {
            $0.hits += 1
            $0.bytesHit += UInt64(bytes.count)
        }
    }
}
