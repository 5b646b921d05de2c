// Full disks: exit code 73, the path in the message, and the index unchanged.
import Foundation
import TestSupport
import Testing
import VectorCore

/// A file system of a few hundred kilobytes, unmounted when released.
final class SmallDisk: Sendable {
    /// Mounting needs rights that not every test machine has.
    static let isPermitted: Bool = {
        guard let folder = try? TemporaryFolder() else { return false }
        defer { withExtendedLifetime(folder) {} }
        return (try? SmallDisk(folder.url.path, kilobytes: 64)) != nil
    }()

    let path: String

    init(_ path: String, kilobytes: Int) throws {
        self.path = path
        let mount = try Program(
            "/bin/mount", ["-t", "tmpfs", "-o", "size=\(kilobytes)k", "tmpfs", path], in: "/"
        ).wait()
        guard mount.status == 0 else { throw SpawnFailure(description: mount.errors) }
    }

    deinit {
        _ = try? Program("/bin/umount", ["--lazy", path], in: "/").wait()
    }
}

@Suite(.enabled(if: SmallDisk.isPermitted, "mounting a small tmpfs is not permitted here"))
struct DiskFullTests {
    let place: Workplace
    let disk: SmallDisk

    init() throws {
        let small = try TemporaryFolder()
        let disk = try SmallDisk(small.url.path, kilobytes: 300)
        try #require(FileManager.default.createFile(atPath: small.url.path + "/x", contents: nil))
        self.disk = disk
        folder = small
        place = try Workplace(store: small.url.path + "/store")
        try place.write("small.fbin", Matrix.sample(rows: 300))
        try place.write("large.fbin", Matrix.sample(rows: 20_000, seed: 2))
        try place.write("q.fbin", Matrix.sample(rows: 5, seed: 4))
    }

    private let folder: TemporaryFolder

    private func answers() throws -> String {
        try place.mustRun("query", ["--vectors", "q.fbin"]).output
    }

    private func fill() throws {
        let handle = try #require(FileHandle(forWritingAtPath: disk.path + "/x"))
        try handle.seekToEnd()
        for size in [4096, 1] {
            while (try? handle.write(contentsOf: Data(count: size))) != nil {}
        }
        try handle.close()
    }

    private func empty() throws {
        try Data().write(to: URL(filePath: disk.path + "/x"))
    }

    @Test func `a store that fills up during train`() throws {
        try place.trainAndPublish("small.fbin")
        let before = try answers()
        let outcome = try place.run(
            "train", ["--vectors", "large.fbin", "--shard-size", "500", "--backend", "mock"])
        expectComplaint(outcome, status: 73, says: [place.store, "no space left", "free space"])
        #expect(try answers() == before)
        #expect(try place.versions() == [1])
        #expect(!place.storedKeys().contains { $0.hasPrefix("drafts/") })
        try place.mustRun("gc", ["--grace-hours", "0", "--apply"])
        #expect(
            Set(place.storedKeys())
                == (try place.keys(ofVersion: 1)).union(["versions/0000000001.json"]))
        try place.trainAndPublish("small.fbin", ["--seed", "2"])
        #expect(try place.versions() == [1, 2])
    }

    @Test(arguments: ["publish", "rollback"])
    func `a store that is full when publish or rollback comes`(_ command: String) throws {
        try place.trainAndPublish("small.fbin")
        try place.trainAndPublish("small.fbin", ["--seed", "2"])
        try place.mustRun("train", ["--vectors", "small.fbin", "--seed", "3"])
        let before = try answers()
        try fill()
        let more = command == "rollback" ? ["--to", "1"] : []
        let stored = place.storedKeys()
        expectComplaint(
            try place.run(command, more), status: 73, says: [place.store, "no space left"])
        #expect(place.storedKeys() == stored)
        #expect(try answers() == before)
        try empty()
        try place.mustRun(command, more)
        #expect(try place.versions() == [1, 2, 3])
    }

    @Test func `a scratch folder that fills up`() throws {
        let other = try Workplace()
        try other.write("large.fbin", Matrix.sample(rows: 20_000, seed: 2))
        let outcome = try other.run(
            "train", ["--vectors", "large.fbin", "--scratch", disk.path, "--backend", "mock"])
        expectComplaint(
            outcome, status: 73, says: ["scratch folder \(disk.path) is full", "--scratch"])
        #expect(other.storedKeys() == [])
        #expect(try FileManager.default.contentsOfDirectory(atPath: disk.path) == ["x"])
    }

    @Test func `answers that do not fit`() throws {
        try place.trainAndPublish("small.fbin")
        try fill()
        let path = disk.path + "/hits.jsonl"
        let outcome = try place.run("query", ["--vectors", "small.fbin", "--output", path])
        expectComplaint(outcome, status: 73, says: [path, "no space left"])
        let names = try FileManager.default.contentsOfDirectory(atPath: disk.path)
        #expect(names.sorted() == ["store", "x"])
    }

    @Test func `an export that does not fit`() throws {
        try place.trainAndPublish("small.fbin")
        try fill()
        let path = disk.path + "/faiss"
        let outcome = try place.run("export", ["--output", path])
        expectComplaint(outcome, status: 73, says: [path, "no space left"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: path) == [])
    }
}
