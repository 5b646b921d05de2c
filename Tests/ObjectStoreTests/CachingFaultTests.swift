// Damage, crashes, other processes and full disks make misses, never wrong answers.
import Foundation
import ObjectStore
import TesseraBase
import TestSupport
import Testing

struct CachingFaultTests {
    private static let object = CachedObject(11, size: 70_000)

    /// A cache that holds the object whole, and the path of its entry.
    private func filled() async throws -> (CacheFixture, String) {
        let fixture = try await CacheFixture([Self.object])
        _ = try await fixture.store.get(Self.object.key)
        let name = try #require(try fixture.files().first)
        return (fixture, fixture.folder.path("cache/" + name))
    }

    /// Reads the object through a cache whose entry has been damaged.
    private func expectRefetch(_ fixture: CacheFixture, _ what: String) async throws {
        let damaged = fixture.store.statistics.damaged
        #expect(try await fixture.store.get(Self.object.key) == Self.object.bytes, "\(what)")
        #expect(fixture.base.requests.count == 2, "\(what)")
        #expect(fixture.store.statistics.damaged == damaged + 1, "\(what)")
        #expect(try await fixture.store.get(Self.object.key) == Self.object.bytes)
        #expect(fixture.base.requests.count == 2, "\(what): kept anew")
    }

    @Test(arguments: [0, 5, 8, 40, 72, 80, 88, 95, 96, 110, 119, 120, 127, 128, 35_000, 70_127])
    func `a flipped bit anywhere in an entry is noticed`(offset: Int) async throws {
        let (fixture, path) = try await filled()
        var bytes = try Data(contentsOf: URL(filePath: path))
        try #require(bytes.count == 70_128)
        bytes[offset] ^= 16
        try bytes.write(to: URL(filePath: path))
        try await expectRefetch(fixture, "byte \(offset)")
    }

    @Test(arguments: [0, 1, 7, 8, 71, 96, 103, 127, 128, 32_896, 70_127])
    func `a truncated entry is noticed`(length: Int) async throws {
        let (fixture, path) = try await filled()
        let bytes = try Data(contentsOf: URL(filePath: path))
        try bytes.prefix(length).write(to: URL(filePath: path))
        try await expectRefetch(fixture, "\(length) bytes")
    }

    @Test func `an entry that is too long, or another object's, is noticed`() async throws {
        let (fixture, path) = try await filled()
        var bytes = try Data(contentsOf: URL(filePath: path))
        bytes.append(0)
        try bytes.write(to: URL(filePath: path))
        try await expectRefetch(fixture, "too long")

        let other = CachedObject(12, size: 70_000)
        try await fixture.base.base.put(other.key, other.bytes)
        _ = try await fixture.store.get(other.key)
        let digest = try #require(other.key.split(separator: "/").last?.dropLast(4))
        let theirs = fixture.folder.path("cache/\(digest.prefix(2))/\(digest)-whole.tsc")
        try Data(contentsOf: URL(filePath: path)).write(to: URL(filePath: theirs))
        #expect(try await fixture.store.get(other.key) == other.bytes)
        #expect(fixture.store.statistics.damaged == 2)
    }

    @Test func `damage outside the range that is read does no harm, inside it is noticed`()
        async throws
    {
        let (fixture, path) = try await filled()
        var bytes = try Data(contentsOf: URL(filePath: path))
        bytes[128 + 66_000] ^= 1
        try bytes.write(to: URL(filePath: path))
        let near: Range<UInt64> = 0..<100
        #expect(try await fixture.store.get(Self.object.key, range: near) == Self.object[near])
        #expect(fixture.base.requests.count == 1)
        let far: Range<UInt64> = 66_100..<66_200
        #expect(
            try await fixture.store.get(Self.object.key, ranges: [near, far])
                == [Self.object[near], Self.object[far]])
        #expect(fixture.base.requests.count >= 2)
        #expect(fixture.store.statistics.damaged == 1)
    }

    @Test func `a reader notices damage, and the entry is gone`() async throws {
        let (fixture, path) = try await filled()
        let reader = try #require(try fixture.store.blockingReader(Self.object.key))
        let file = try FileHandle(forWritingTo: URL(filePath: path))
        try file.seek(toOffset: 128 + 40_000)
        try file.write(contentsOf: Data([255, 254, 253]))
        try file.close()
        var target = [UInt8](repeating: 0, count: 10)
        try target.withUnsafeMutableBytes { try reader.read(at: 0, into: $0) }
        #expect(target == Self.object[0..<10])
        let error = await failure {
            try target.withUnsafeMutableBytes { try reader.read(at: 40_000, into: $0) }
        }
        #expect(error?.code == .corrupted)
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func `invalidating reads from the store again`() async throws {
        let (fixture, _) = try await filled()
        let range: Range<UInt64> = 5..<10
        _ = try await fixture.store.get(Self.object.key, range: range)
        await fixture.store.invalidate(Self.object.key)
        #expect(try fixture.files().isEmpty)
        #expect(fixture.base.requests.last == "invalidate \(Self.object.key)")
        #expect(try await fixture.store.get(Self.object.key, range: range) == Self.object[range])
        #expect(fixture.base.requests.last == "get \(Self.object.key)")
    }

    @Test func `a restart finds the entries, and sweeps what a crash left`() async throws {
        let (fixture, path) = try await filled()
        let folder = URL(filePath: path).deletingLastPathComponent()
        let old = folder.appending(path: ".tessera-1-old.tmp").path
        let young = folder.appending(path: ".tessera-2-young.tmp").path
        for leftover in [old, young] { try Data([1]).write(to: URL(filePath: leftover)) }
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: 1_000_000)], ofItemAtPath: old)
        let foreign = fixture.folder.path("cache/readme.txt")
        try Data([1]).write(to: URL(filePath: foreign))
        let restarted = fixture.another()
        #expect(try await restarted.get(Self.object.key) == Self.object.bytes)
        #expect(fixture.base.requests.count == 1)
        #expect(restarted.statistics.entries == 1)
        #expect(!FileManager.default.fileExists(atPath: old))
        #expect(FileManager.default.fileExists(atPath: young))
        #expect(FileManager.default.fileExists(atPath: foreign))
    }

    @Test func `a folder that cannot be written serves all the same`() async throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("file", Data([1]))
        let base = MemoryStore()
        try await base.put(Self.object.key, Self.object.bytes)
        let store = CachingStore(
            base, folder: file + "/cache", budgetBytes: 1 << 20, clock: TestClock().steady)
        for _ in 0..<3 { #expect(try await store.get(Self.object.key) == Self.object.bytes) }
        // After one failure the disk is left alone for a while.
        #expect(store.statistics.writeFailures == 1)
        #expect(store.statistics.misses == 3)
    }

    @Test(arguments: [0, 4096, 69_999])
    func `what is larger than the budget is not kept`(budget: UInt64) async throws {
        let fixture = try await CacheFixture([Self.object], budget: budget)
        for _ in 0..<2 {
            #expect(try await fixture.store.get(Self.object.key) == Self.object.bytes)
        }
        #expect(try fixture.files().isEmpty)
        #expect(fixture.store.statistics.writeFailures == 0)
    }
}

struct CachingBudgetTests {
    @Test func `the least recently used goes first`() async throws {
        let objects = (0..<4).map { CachedObject($0 * 1000, size: 50_000) }
        let fixture = try await CacheFixture(objects, budget: 3 * 53_248)
        for object in objects[..<3] { _ = try await fixture.store.get(object.key) }
        _ = try await fixture.store.get(objects[0].key, range: 5..<9)
        _ = try await fixture.store.get(objects[3].key)
        let before = fixture.base.requests.count
        for index in [0, 2, 3] { _ = try await fixture.store.get(objects[index].key) }
        #expect(fixture.base.requests.count == before)
        _ = try await fixture.store.get(objects[1].key)
        #expect(fixture.base.requests.count == before + 1)
    }

    @Test func `the budget holds with many writers, at all times`() async throws {
        let objects = (0..<40).map { CachedObject($0 * 77, size: 20_000 + $0 * 100) }
        let budget: UInt64 = 300_000
        let fixture = try await CacheFixture(objects, budget: budget)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<12 {
                group.addTask {
                    for step in 0..<60 {
                        let object = objects[(task * 7 + step * 3) % objects.count]
                        if step % 2 == 0 {
                            let found = try await fixture.store.get(object.key)
                            #expect(found == object.bytes)
                        } else {
                            let range: Range<UInt64> = 100..<UInt64(5000 + task * 10)
                            let part = try await fixture.store.get(object.key, range: range)
                            #expect(part == object[range])
                        }
                        #expect(fixture.store.statistics.bytes <= budget)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try fixture.bytes() <= budget)
        #expect(fixture.store.statistics.damaged == 0)
    }

    @Test func `two caches share a folder without harm`() async throws {
        let objects = (0..<30).map { CachedObject($0 * 55, size: 30_000) }
        let budget: UInt64 = 400_000
        let fixture = try await CacheFixture(objects, budget: budget)
        let stores = [fixture.store, fixture.another(budget: budget)]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for step in 0..<50 {
                        let object = objects[(task * 5 + step) % objects.count]
                        let found = try await stores[task % 2].get(object.key)
                        #expect(found == object.bytes)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(stores.allSatisfy { $0.statistics.damaged == 0 })
        #expect(stores.allSatisfy { $0.statistics.writeFailures == 0 })
        // Each may be an eighth of the budget, and what it was writing, behind the other.
        #expect(try fixture.bytes() <= budget + 2 * (budget / 8 + 32_768 * 4))
        // One finds what the other keeps.
        let last = CachedObject(99_999, size: 10_000)
        try await fixture.base.base.put(last.key, last.bytes)
        _ = try await stores[0].get(last.key)
        let before = fixture.base.requests.count
        #expect(try await stores[1].get(last.key) == last.bytes)
        #expect(fixture.base.requests.count == before)
    }
}
