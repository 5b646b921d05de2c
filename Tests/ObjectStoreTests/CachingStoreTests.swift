// What a cache serves, keeps and evicts.
import Foundation
import ObjectStore
import Synchronization
import TesseraBase
import TestSupport
import Testing

/// An object whose content follows from a number, under its key.
struct CachedObject: Sendable {
    let bytes: [UInt8]
    let key: ObjectKey

    init(_ number: Int, size: Int) {
        bytes = (0..<size).map { UInt8(truncatingIfNeeded: ($0 &+ number) &* 31 >> 3) }
        key = "shards/\(ContentDigest(of: bytes).hex).tsr"
    }

    subscript(range: Range<UInt64>) -> [UInt8] {
        Array(bytes[Int(range.lowerBound)..<Int(range.upperBound)])
    }
}

/// A cache over a store that notes what it is asked.
struct CacheFixture {
    let folder: TemporaryFolder
    let base: ScriptedStore
    let store: CachingStore

    init(_ objects: [CachedObject], budget: UInt64 = 64 << 20) async throws {
        folder = try TemporaryFolder()
        base = ScriptedStore([], clock: TestClock())
        for object in objects { try await base.base.put(object.key, object.bytes) }
        store = CachingStore(base, folder: folder.path("cache"), budgetBytes: budget)
    }

    /// Another cache, as of another process, in the same folder.
    func another(budget: UInt64 = 64 << 20) -> CachingStore {
        CachingStore(base, folder: folder.path("cache"), budgetBytes: budget)
    }

    /// The files in the cache folder.
    func files() throws -> [String] {
        let found = FileManager.default.enumerator(atPath: folder.path("cache"))
        return (found?.allObjects as? [String] ?? []).filter { $0.contains(".t") }.sorted()
    }

    func bytes() throws -> UInt64 {
        try files().reduce(0) { sum, name in
            let path = folder.path("cache/" + name)
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            return sum + UInt64(attributes[.size] as? Int ?? 0)
        }
    }
}

struct CachingStoreTests {
    @Test func `an object is fetched once`() async throws {
        let object = CachedObject(1, size: 100_000)
        let fixture = try await CacheFixture([object])
        for _ in 0..<3 { #expect(try await fixture.store.get(object.key) == object.bytes) }
        #expect(fixture.base.requests.count == 1)
        // Any part of it comes from the copy, with the edges of blocks and of the object.
        let ranges: [Range<UInt64>] = [
            0..<1, 32_767..<32_769, 32_768..<65_536, 99_999..<100_000, 0..<100_000, 5..<5,
        ]
        for range in ranges where !range.isEmpty {
            #expect(try await fixture.store.get(object.key, range: range) == object[range])
        }
        #expect(
            try await fixture.store.get(object.key, ranges: ranges) == ranges.map { object[$0] })
        #expect(fixture.base.requests.count == 1)
        let statistics = fixture.store.statistics
        #expect(statistics.misses == 1)
        #expect(statistics.bytesMissed == 100_000)
        #expect(statistics.entries == 1)
    }

    @Test func `ranges are kept as they were fetched, and only what is missing is fetched`()
        async throws
    {
        let object = CachedObject(2, size: 500_000)
        let fixture = try await CacheFixture([object])
        let first: [Range<UInt64>] = [10..<20, 100..<120, 200_000..<200_500]
        #expect(try await fixture.store.get(object.key, ranges: first) == first.map { object[$0] })
        #expect(fixture.base.requests.count == 2)
        // Inside what was fetched for the first two, and the third again.
        let second: [Range<UInt64>] = [50..<110, 200_000..<200_500, 12..<13]
        #expect(
            try await fixture.store.get(object.key, ranges: second) == second.map { object[$0] })
        #expect(fixture.base.requests.count == 2)
        let third: [Range<UInt64>] = [15..<18, 400_000..<400_001]
        #expect(try await fixture.store.get(object.key, ranges: third) == third.map { object[$0] })
        #expect(fixture.base.requests.count == 3)
        // The whole object takes the place of its parts.
        _ = try await fixture.store.get(object.key)
        #expect(try fixture.files().count == 1)
    }

    @Test func `only immutable objects are kept`() async throws {
        let fixture = try await CacheFixture([])
        try await fixture.store.put("versions/1.json", [1])
        _ = try await fixture.store.get("versions/1.json")
        try await fixture.store.put("versions/1.json", [2])
        #expect(try await fixture.store.get("versions/1.json") == [2])
        #expect(try fixture.files().isEmpty)
    }

    @Test func `what is written is read back from the store`() async throws {
        let object = CachedObject(3, size: 1000)
        let fixture = try await CacheFixture([])
        try await fixture.store.put(object.key, object.bytes)
        _ = try await fixture.store.get(object.key)
        #expect(fixture.base.requests.suffix(1) == ["get \(object.key)"])
        try await fixture.store.delete(object.key)
        #expect(await failure { _ = try await fixture.store.get(object.key) }?.code == .notFound)
        #expect(try fixture.files().isEmpty)
    }

    @Test func `ranges past the end are refused, cached or not`() async throws {
        let object = CachedObject(4, size: 1000)
        let fixture = try await CacheFixture([object])
        for _ in 0..<2 {
            for range: Range<UInt64> in [0..<1001, 5..<UInt64.max, 1001..<1002] {
                let one = await failure {
                    _ = try await fixture.store.get(object.key, range: range)
                }
                #expect(one?.code == .invalidArgument)
                let many = await failure {
                    _ = try await fixture.store.get(object.key, ranges: [0..<1, range])
                }
                #expect(many?.code == .invalidArgument)
            }
            _ = try await fixture.store.get(object.key)
        }
    }

    @Test func `tasks that want the same share one fetch`() async throws {
        let object = CachedObject(5, size: 200_000)
        let fixture = try await CacheFixture([object])
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for task in 0..<60 {
                let range: Range<UInt64>? = task % 3 == 0 ? nil : 100_000..<100_100
                group.addTask {
                    let found = try await fixture.store.get(object.key, range: range)
                    return found == range.map { object[$0] } ?? object.bytes
                }
            }
            for try await isRight in group { #expect(isRight) }
        }
        #expect(fixture.base.requests.count <= 2)
        #expect(fixture.store.statistics.misses == fixture.base.requests.count)
    }

    @Test func `a cancelled first comer hands over`() async throws {
        let object = CachedObject(6, size: 1000)
        let folder = try TemporaryFolder()
        let base = ScriptedStore([.stall], clock: TestClock())
        try await base.base.put(object.key, object.bytes)
        let store = CachingStore(base, folder: folder.path("cache"), budgetBytes: 1 << 20)
        let first = Task { await failure { _ = try await store.get(object.key) } }
        while base.requests.isEmpty { await Task.yield() }
        let second = Task { try await store.get(object.key) }
        let third = Task { await failure { _ = try await store.get(object.key) } }
        for _ in 0..<1000 { await Task.yield() }
        third.cancel()
        #expect(await third.value?.code == .cancelled)
        first.cancel()
        #expect(await first.value?.code == .cancelled)
        #expect(try await second.value == object.bytes)
        #expect(base.requests.count == 2)
    }

    @Test func `a cached object is read on the calling thread`() async throws {
        let object = CachedObject(7, size: 100_000)
        let fixture = try await CacheFixture([])
        let s3 = NoReader(base: MemoryStore())
        try await s3.put(object.key, object.bytes)
        let store = CachingStore(s3, folder: fixture.folder.path("cache"), budgetBytes: 1 << 20)
        #expect(try store.blockingReader(object.key) == nil)
        _ = try await store.get(object.key)
        let reader = try #require(try store.blockingReader(object.key))
        #expect(reader.size == 100_000)
        await store.invalidate(object.key)
        for range: Range<UInt64> in [0..<10, 32_760..<70_000, 99_990..<100_000, 7..<7] {
            var target = [UInt8](repeating: 0, count: range.count)
            try target.withUnsafeMutableBytes { try reader.read(at: range.lowerBound, into: $0) }
            #expect(target == object[range])
        }
        let error = await failure {
            var target = [UInt8](repeating: 0, count: 2)
            try target.withUnsafeMutableBytes { try reader.read(at: 99_999, into: $0) }
        }
        #expect(error?.code == .corrupted)
        #expect(try store.blockingReader(object.key) == nil)
    }
}

/// A store that is not local.
struct NoReader: StoreWrapper {
    let base: any ObjectStore
}
