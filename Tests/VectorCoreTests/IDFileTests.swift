// Tests of IDFile.
import Foundation
import TesseraBase
import TestSupport
import Testing
import VectorCore

struct IDFileTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    @Test(arguments: ["\n", "\r\n"], [true, false])
    func `ids are read by row and in order, with either line end and with or without the last`(
        _ lineEnd: String, _ endsInOne: Bool
    ) throws {
        // Around 256 and 512, where the line index has its marks.
        let ids = (0..<600).map { $0 == 300 ? "Grüße/日本 \($0)" : "id-\($0)" }
        let text = ids.joined(separator: lineEnd) + (endsInOne ? lineEnd : "")
        let file = try IDFile.open(path: try folder.write("ids.txt", Data(text.utf8)))
        #expect(file.count == 600)
        for row in [0, 1, 255, 256, 257, 300, 511, 512, 599] {
            #expect(try file.id(row) == ids[row])
        }
        var seen: [String] = []
        try file.forEach(in: 250..<600) { row, id in
            #expect(row == 250 + seen.count)
            seen.append(id.withUnsafeBytes { String(decoding: $0, as: UTF8.self) })
        }
        #expect(seen == Array(ids[250...]))
        try file.forEach(in: 600..<600) { _, _ in Issue.record("there is no row 600") }
    }

    @Test(
        arguments: [
            (Array("\n".utf8), "is empty"), (Array(String(repeating: "x", count: 513).utf8), "513"),
            ([0xFF], "not valid UTF-8"), ([0xC3], "not valid UTF-8"), ([0x61, 0x00], "U+0000"),
            ([0x61, 0x0D, 0x62], "U+000D"), ([0x09], "U+0009"), ([0xC2, 0x85], "U+0085"),
            ([0x7F], "U+007F"),
        ] as [([UInt8], String)])
    func `ids that cannot be used are named with row and line`(_ id: [UInt8], _ message: String)
        throws
    {
        let before = (0..<17).map { "id-\($0)\n" }.joined()
        let path = try folder.write("ids.txt", Data(before.utf8) + Data(id) + Data("\nlast\n".utf8))
        expectFailure(.invalidArgument, [path, "row 17 (line 18)", message]) {
            () throws(TesseraError) in _ = try IDFile.open(path: path)
        }
    }

    @Test func `a byte order mark is not taken for a part of the first id`() throws {
        let path = try folder.write("ids.txt", Data([0xEF, 0xBB, 0xBF, 0x61, 0x0A]))
        expectFailure(.invalidArgument, ["byte order mark", "row 0"]) { () throws(TesseraError) in
            _ = try IDFile.open(path: path)
        }
    }

    @Test func `an id of 512 bytes is allowed`() throws {
        let id = String(repeating: "x", count: 512)
        let file = try IDFile.open(path: try folder.write("ids.txt", Data(id.utf8)))
        #expect(try file.id(0) == id)
    }
}
