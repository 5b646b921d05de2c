// The one layer over file descriptors: what it opens, reads and writes, and how it says what went
// wrong.
import Foundation
import TesseraBase
import TestSupport
import Testing

struct OpenFileTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    @Test func `what is written at an offset is read at it`() throws {
        let path = folder.path("a")
        let file = try OpenFile.creating(path)
        try file.write([1, 2, 3], at: 5)
        try file.write([9], at: 0)
        try file.synchronise()
        #expect(try file.size() == 8)
        #expect(try file.bytes(3, at: 5) == [1, 2, 3])
        #expect(try file.bytes(0..<6) == [9, 0, 0, 0, 0, 1])
        #expect(try file.bytes(8..<8) == [])
        try file.rename(to: folder.path("b"))
        #expect(try FileStatus.at(path) == nil)
        #expect(try OpenFile.reading(folder.path("b")).bytes(1, at: 7) == [3])
        try OpenFile.folder(folder.url.path).synchronise()
    }

    @Test func `a file that ends too early is corrupted`() throws {
        let path = try folder.write("short", Data([1, 2, 3]))
        let file = try OpenFile.reading(path)
        let error = #expect(throws: TesseraError.self) { try file.bytes(4, at: 1) }
        #expect(error?.code == .corrupted)
        #expect(error?.message.contains("ends at byte 3, before byte 1 plus 4") == true)
    }

    @Test func `only regular files are opened for reading, and nothing is waited for`() throws {
        let error = #expect(throws: TesseraError.self) { try OpenFile.reading(folder.url.path) }
        #expect(error?.code == .invalidArgument && error?.message.contains("is a folder") == true)
        let pipe = folder.path("pipe")
        #expect(mkfifo(pipe, 0o600) == 0)
        let other = #expect(throws: TesseraError.self) { try OpenFile.reading(pipe) }
        #expect(other?.message.contains("not a regular file") == true)
        #expect(try OpenFile.existing(pipe).status().kind == .other)
    }

    @Test func `failures say what to do`() throws {
        let path = try folder.write("file", Data())
        let cases: [(ErrorCode, String, () throws -> Void)] = [
            (.notFound, "check the path", { _ = try OpenFile.reading(folder.path("none")) }),
            (.invalidArgument, "a file stands", { _ = try OpenFile.existing(path + "/x") }),
            (
                .invalidArgument, "shorter path",
                { _ = try OpenFile.creating(folder.path(String(repeating: "n", count: 300))) }
            ),
            (.unavailable, "file exists", { _ = try OpenFile.creatingNew(path) }),
            (.notFound, "--scratch", { _ = try OpenFile.nameless(in: folder.path("none")) }),
            (.invalidArgument, "--scratch", { _ = try OpenFile.nameless(in: path) }),
        ]
        for (code, part, work) in cases {
            let error = #expect(throws: TesseraError.self) { try work() }
            #expect(error?.code == code && error?.message.contains(part) == true, "\(part)")
        }
        let full = SystemFailure.error(ENOSPC, "write", "x", whenFull: "buy a disk")
        #expect(full.code == .resourceExhausted && full.message.hasSuffix("; buy a disk"))
    }

    @Test func `a nameless file leaves nothing in its folder`() throws {
        let file = try OpenFile.nameless(in: folder.url.path)
        try file.write([7], at: 0)
        #expect(try file.bytes(1, at: 0) == [7])
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
    }
}
