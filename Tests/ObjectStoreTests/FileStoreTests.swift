// What only a store on a disk can get wrong: other processes, a full disk, a kill in the middle.
import Foundation
import ObjectStore
import TesseraBase
import TestSupport
import Testing

struct FileStoreTests {
    @Test func `nothing is created before the first write`() async throws {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let store = FileStore(root: folder.path("deep/er/store"))
        #expect(try await store.list(prefix: "").isEmpty)
        #expect(try await store.head("x") == nil)
        #expect(!FileManager.default.fileExists(atPath: folder.path("deep")))
        #expect(try await store.create("a/b", [1]))
        #expect(try await store.create("a/b", [2]) == false)
        #expect(try await store.get("a/b") == [1])
        #expect(try files(in: folder.path("deep/er/store/a")) == ["b"])
    }

    @Test func `a store whose folder was removed writes again`() async throws {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let store = FileStore(root: folder.path("store"))
        try await store.put("a/b", [1])
        try FileManager.default.removeItem(atPath: folder.path("store"))
        try await store.put("a/b", [2])
        #expect(try await store.get("a/b") == [2])
    }

    /// Eight processes that never heard of Swift follow the same protocol, against this process and
    /// each other.
    @Test func `creators in other processes race with this one`() async throws {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let root = folder.path("store")
        let store = FileStore(root: root)
        try await store.put("go/folder", [])
        let rivals = try (0..<8).map { try startRival($0, root: root) }
        // All start at one signal; otherwise this process would be done before Python is up.
        while try await store.list(prefix: "go/ready-").count < rivals.count {
            try await Task.sleep(for: .milliseconds(5))
        }
        try await store.put("go/start", [])
        var mine: Set<Int> = []
        for round in 0..<50 where try await store.create("r/\(round)", Array("swift".utf8)) {
            mine.insert(round)
        }
        var wins = [Int](repeating: 0, count: 50)
        for round in mine { wins[round] += 1 }
        for (process, output) in rivals {
            let text = String(
                decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            process.waitUntilExit()
            #expect(process.terminationStatus == 0)
            for round in text.split(separator: " ").compactMap({ Int($0) }) { wins[round] += 1 }
        }
        #expect(wins.allSatisfy { $0 == 1 }, "wins by round: \(wins)")
        for round in 0..<50 {
            let content = String(decoding: try await store.get("r/\(round)"), as: UTF8.self)
            #expect((content == "swift") == mine.contains(round))
        }
        #expect(try files(in: root + "/r").count == 50)
    }

    private func startRival(_ number: Int, root: String) throws -> (Process, Pipe) {
        let script = """
            import os, sys, time
            root, me = sys.argv[1], sys.argv[2]
            os.makedirs(root + "/r", exist_ok=True)
            open(f"{root}/go/ready-{me}", "w").close()
            while not os.path.exists(root + "/go/start"): time.sleep(0.001)
            for n in range(50):
                aside = f"{root}/r/.tessera-{os.getpid()}-{n}.tmp"
                with open(aside, "w") as f: f.write("rival " + me); f.flush(); os.fsync(f.fileno())
                try: os.link(aside, f"{root}/r/{n}"); print(n, end=" ")
                except FileExistsError: pass
                os.unlink(aside)
            """
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3", "-c", script, root, String(number)]
        process.standardOutput = output
        try process.run()
        return (process, output)
    }

    @Test func `what a killed writer leaves is invisible and swept once it is old`() async throws {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let store = FileStore(root: folder.path("store"))
        try await store.put("photos/shards/a", [1])
        let leftover = folder.path("store/photos/shards/.tessera-99-dead.tmp")
        try Data([1, 2, 3]).write(to: URL(filePath: leftover))
        #expect(try await store.list(prefix: "").map(\.key) == ["photos/shards/a"])
        #expect(
            await failure { _ = try await store.get("photos/shards/.tessera-99-dead.tmp") } != nil)

        let past = Date(timeIntervalSinceNow: -3600)
        let future = Date(timeIntervalSinceNow: 3600)
        #expect(try await sweep(store, past, apply: true).isEmpty)
        #expect(try await sweep(store, future, apply: false).map(\.size) == [3])
        #expect(FileManager.default.fileExists(atPath: leftover))
        let photos = try PrefixedStore(store, folder: "photos")
        #expect(
            try await sweep(photos, future, apply: true).map(\.key) == [
                "shards/.tessera-99-dead.tmp"
            ])
        #expect(!FileManager.default.fileExists(atPath: leftover))
        #expect(try await store.get("photos/shards/a") == [1])
    }

    private func sweep(
        _ store: any ObjectStore, _ date: Date, apply: Bool
    ) async throws -> [ObjectInfo] {
        try await store.staleTemporaryFiles(prefix: "", olderThan: date, apply: apply)
    }

    @Test(.enabled(if: SmallDisk.canMount, "needs the right to mount a tmpfs"))
    func `a full disk is told and leaves nothing behind`() async throws {
        let disk = try SmallDisk()
        let store = FileStore(root: disk.path + "/store")
        try await store.put("a/small", [1])
        let big = [UInt8](repeating: 7, count: 3 << 20)
        for write in [store.put, { _ = try await store.create($0, $1) }] {
            let error = await failure { try await write("a/big", big) }
            #expect(error?.code == .resourceExhausted)
            #expect(error?.message.contains(disk.path) == true)
        }
        #expect(try files(in: disk.path + "/store/a") == ["small"])
        #expect(try await store.get("a/small") == [1])
        try await store.put("a/after", [2])
    }

    @Test func `a file where a folder should be is told`() async throws {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let store = FileStore(root: folder.path("store"))
        try await store.put("a", [1])
        #expect(await failure { try await store.put("a/b", [2]) }?.code == .invalidArgument)
        #expect(await failure { try await store.put("a/b/c", [2]) }?.code == .invalidArgument)
    }

    @Test func `a link back up does not make a list endless`() async throws {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let store = FileStore(root: folder.path("store"))
        try await store.put("a/b/c", [1])
        try FileManager.default.createSymbolicLink(
            atPath: folder.path("store/a/b/up"), withDestinationPath: folder.path("store/a"))
        #expect(try await store.list(prefix: "").map(\.key) == ["a/b/c"])
    }

    @Test func `a cancelled task does not touch the disk`() async throws {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let store = FileStore(root: folder.path("store"))
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return await failure { try await store.put("a", [1]) }
        }
        #expect(await task.value?.code == .cancelled)
        #expect(!FileManager.default.fileExists(atPath: folder.path("store")))
    }

    private func files(in path: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    }
}

/// A disk of one mebibyte, gone with the value.
final class SmallDisk {
    static let canMount = (try? SmallDisk()) != nil
    let path: String

    init() throws {
        path =
            FileManager.default.temporaryDirectory
            .appending(path: "tessera-disk-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        guard try Self.run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", path) == 0 else {
            try FileManager.default.removeItem(atPath: path)
            throw TesseraError(.unsupported, "cannot mount a tmpfs")
        }
    }

    deinit {
        guard (try? Self.run("umount", path)) == 0 else { return }
        try? FileManager.default.removeItem(atPath: path)
    }

    private static func run(_ command: String...) throws -> Int32 {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = command
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus
    }
}
