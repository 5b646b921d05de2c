// What every store must do, run over each of them.
import Foundation
import ObjectStore
import TesseraBase
import TestSupport
import Testing

/// The stores under test, each made empty for one test.
enum StoreKind: String, CaseIterable, Sendable {
    case memory, file, prefixedMemory, prefixedFile, s3
    case retrying, verifying, caching, metered, stack

    /// Those that can be tested here: S3 needs a server, see ``S3TestServer``.
    static let tested = allCases.filter { $0 != .s3 || S3TestServer.given != nil }

    /// Whether objects can be read on the calling thread.
    var isLocal: Bool { self != .s3 }

    func make(in folder: TemporaryFolder) throws -> any ObjectStore {
        switch self {
        case .memory: MemoryStore()
        case .file: FileStore(root: folder.path("store"))
        case .prefixedMemory: try PrefixedStore(MemoryStore(), folder: "a/b")
        case .prefixedFile: try PrefixedStore(FileStore(root: folder.path("store")), folder: "a")
        case .retrying: RetryingStore(MemoryStore())
        case .verifying: VerifyingStore(MemoryStore())
        case .caching:
            CachingStore(MemoryStore(), folder: folder.path("cache"), budgetBytes: 1 << 20)
        case .metered: MeteredStore(MemoryStore())
        case .stack:
            StoreStack(
                MemoryStore(), cache: .init(folder: folder.path("cache"), budgetBytes: 1 << 20)
            ).store
        case .s3: try #require(S3TestServer.given).emptyStore()
        }
    }
}

/// The error of `work`, which must be a TesseraError.
func failure(_ work: () async throws -> Void) async -> TesseraError? {
    do {
        try await work()
        return nil
    } catch {
        return error as? TesseraError
    }
}

struct StoreConformanceTests {
    @Test(arguments: StoreKind.tested)
    func `what is put is read, replaced and deleted`(kind: StoreKind) async throws {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let store = try kind.make(in: folder)
        try await store.put("x/y", [1, 2, 3])
        #expect(try await store.get("x/y") == [1, 2, 3])
        try await store.put("x/y", [])
        #expect(try await store.get("x/y") == [])
        #expect(try await store.head("x/y")?.size == 0)
        try await store.delete("x/y")
        try await store.delete("x/y")
        try await store.delete("x")
        #expect(try await store.head("x/y") == nil)
        #expect(try await store.head("x") == nil)
        #expect(try await store.list(prefix: "").isEmpty)
    }

    @Test(arguments: StoreKind.tested)
    func `a missing object is notFound and named`(kind: StoreKind) async throws {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let store = try kind.make(in: folder)
        try await store.put("x/y", [1])
        for key in ["nothing", "x", "x/y/z"] {
            let errors = [
                await failure { _ = try await store.get(key) },
                await failure { _ = try await store.get(key, ranges: [0..<1]) },
                kind.isLocal ? await failure { _ = try store.blockingReader(key) } : nil,
            ]
            for error in errors.prefix(kind.isLocal ? 3 : 2) {
                #expect(error?.code == .notFound)
                #expect(error?.message.contains(key) == true)
            }
        }
    }

    @Test(arguments: StoreKind.tested)
    func `ranges are read in the order given, near and far`(kind: StoreKind) async throws {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let store = try kind.make(in: folder)
        let bytes = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        try await store.put("big", bytes)
        #expect(try await store.get("big", range: 5..<9) == Array(bytes[5..<9]))
        #expect(try await store.get("big", range: 200_000..<200_000) == [])
        let ranges: [Range<UInt64>] = [
            199_000..<200_000, 0..<10, 5..<20, 7..<7, 30..<40, 100_000..<100_001, 0..<10,
        ]
        let parts = try await store.get("big", ranges: ranges)
        #expect(parts == ranges.map { Array(bytes[Int($0.lowerBound)..<Int($0.upperBound)]) })
        #expect(try await store.get("big", ranges: []) == [])
    }

    @Test(arguments: StoreKind.tested)
    func `a range past the end is refused`(kind: StoreKind) async throws {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let store = try kind.make(in: folder)
        try await store.put("three", [1, 2, 3])
        for range: Range<UInt64> in [0..<4, 4..<5, 3..<UInt64.max] {
            #expect(
                await failure { _ = try await store.get("three", range: range) }?.code
                    == .invalidArgument)
            #expect(
                await failure { _ = try await store.get("three", ranges: [0..<1, range]) }?.code
                    == .invalidArgument)
        }
    }

    @Test(arguments: StoreKind.tested)
    func `lists are by prefix and in byte order`(kind: StoreKind) async throws {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let store = try kind.make(in: folder)
        let keys = ["b/2", "b/10", "b-c/1", "a", "bb/x/y", "é/1", "Z"]
        for key in keys { try await store.put(key, Array(key.utf8)) }
        func found(_ prefix: String) async throws -> [String] {
            try await store.list(prefix: prefix).map(\.key)
        }
        #expect(try await found("") == ["Z", "a", "b-c/1", "b/10", "b/2", "bb/x/y", "é/1"])
        #expect(try await found("b") == ["b-c/1", "b/10", "b/2", "bb/x/y"])
        #expect(try await found("b/") == ["b/10", "b/2"])
        #expect(try await found("b/1") == ["b/10"])
        #expect(try await found("bb/x") == ["bb/x/y"])
        #expect(try await found("nothing/").isEmpty)
        #expect(try await store.list(prefix: "b/2").first?.size == 3)
        #expect(try await store.subfolders(of: "") == ["b", "b-c", "bb", "é"])
        #expect(try await store.subfolders(of: "bb") == ["x"])
        #expect(try await store.subfolders(of: "none").isEmpty)
    }

    @Test(arguments: StoreKind.tested)
    func `keys that could leave the store are refused`(kind: StoreKind) async throws {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let store = try kind.make(in: folder)
        let keys = [
            "", "/etc/passwd", "a//b", "a/", "../x", "a/../b", "./a", "a/.", "a\u{0}b", "a\nb",
            "x/.tessera-1-2.tmp", String(repeating: "x", count: 300),
            String(repeating: "x/", count: 600) + "x",
        ]
        for key in keys {
            let errors = [
                await failure { try await store.put(key, []) },
                await failure { _ = try await store.create(key, []) },
                await failure { _ = try await store.get(key) },
                await failure { _ = try await store.head(key) },
                await failure { try await store.delete(key) },
            ]
            #expect(
                errors.allSatisfy { $0?.code == .invalidArgument }, "key \(key.debugDescription)")
        }
        for prefix in ["../", "a//", "a/../b", "a\n"] {
            #expect(
                await failure { _ = try await store.list(prefix: prefix) }?.code
                    == .invalidArgument)
        }
    }

    @Test(arguments: StoreKind.tested)
    func `many objects are deleted at once, missing ones too`(kind: StoreKind) async throws {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let store = try kind.make(in: folder)
        for key in ["a", "b<&>\"'", "c/d", "left"] { try await store.put(key, [1]) }
        try await store.delete(["a", "b<&>\"'", "c/d", "missing"])
        #expect(try await store.list(prefix: "").map(\.key) == ["left"])
        try await store.delete([])
        #expect(
            await failure { try await store.delete(["left", "../x"]) }?.code == .invalidArgument)
        #expect(try await store.head("left") != nil)
    }

    @Test(arguments: StoreKind.tested)
    func `of many creators exactly one wins`(kind: StoreKind) async throws {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let store = try kind.make(in: folder)
        for round in 0..<10 {
            let key = "versions/\(round)"
            let winners = try await withThrowingTaskGroup(of: UInt8?.self) { group in
                for writer in UInt8(0)..<16 {
                    group.addTask {
                        let content = [UInt8](repeating: writer, count: 1000)
                        return try await store.create(key, content) ? writer : nil
                    }
                }
                return try await group.reduce(into: [UInt8]()) { $0 += $1.map { [$0] } ?? [] }
            }
            #expect(winners.count == 1)
            let winner = try #require(winners.first)
            #expect(try await store.get(key) == [UInt8](repeating: winner, count: 1000))
        }
    }

    @Test(arguments: StoreKind.tested)
    func `a blocking reader keeps its object and refuses to read past it`(
        kind: StoreKind
    ) async throws {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let store = try kind.make(in: folder)
        try await store.put("three", [1, 2, 3])
        guard kind.isLocal else {
            return #expect(try store.blockingReader("three") == nil)
        }
        let reader = try #require(try store.blockingReader("three"))
        try await store.delete("three")
        #expect(reader.size == 3)
        var target = [UInt8](repeating: 0, count: 2)
        try target.withUnsafeMutableBytes { try reader.read(at: 1, into: $0) }
        #expect(target == [2, 3])
        for offset: UInt64 in [2, 4, UInt64.max] {
            let error = await failure {
                var target = [UInt8](repeating: 0, count: 2)
                try target.withUnsafeMutableBytes { try reader.read(at: offset, into: $0) }
            }
            #expect(error?.code == .corrupted)
        }
    }
}
