// What a reader makes of objects that a later writer made, and of the document's own example.
import Foundation
import ShardFile
import TesseraBase
import TestSupport
import Testing
import VectorCore
import VectorIndex

struct VersioningTests {
    private func code(_ object: [UInt8]) -> ErrorCode? {
        do throws(TesseraError) {
            _ = try RouterFile.read(object, name: "router")
            return nil
        } catch { return error.code }
    }

    /// The padded golden router with one more section, of an unknown kind.
    private func extended(flags: UInt16, version: UInt32 = 1) throws -> [UInt8] {
        let golden = try GoldenObject.routerPadded.stored()
        let extra: [UInt8] = [1, 2, 3, 4, 5]
        var footer = ByteWriter()
        footer.append(golden[60..<140])
        footer.integer(UInt32(99))
        footer.integer(UInt16(7))
        footer.integer(flags)
        for number in [60, 5, 5] as [UInt64] { footer.integer(number) }
        footer.integer(Kernels.crc32c(extra))
        footer.integer(UInt32(0))
        footer.integer(UInt64(24))
        footer.integer(UInt64(golden.count + extra.count + 40))
        for number in [3, 2, version] as [UInt32] { footer.integer(number) }
        footer.integer(Kernels.crc32c(footer.bytes))
        footer.append(Array("TESSERA1".utf8))
        return golden[..<60] + extra + footer.bytes
    }

    @Test func `an unknown section is skipped unless it is required, and checked all the same`()
        throws
    {
        let optional = try extended(flags: 0)
        #expect(
            try RouterFile.read(optional, name: "router") == GoldenObject.routerPadded.router)
        #expect(code(try extended(flags: 1)) == .unsupported)
        var damaged = optional
        damaged[62] ^= 1
        #expect(code(damaged) == .corrupted)
    }

    @Test func `a later format version is refused as such`() throws {
        #expect(code(try extended(flags: 0, version: 2)) == .unsupported)
    }

    @Test func `the example in docs/shard-format.md is the golden file, byte by byte`() throws {
        let document = URL(filePath: Python.script("read-shard.py"))
            .deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "docs/shard-format.md")
        let text = try String(contentsOf: document, encoding: .utf8)
        let dump = try #require(
            text.split(separator: "```", omittingEmptySubsequences: false)
                .first { $0.hasPrefix("\n  0  54 45") })
        var bytes: [UInt8] = []
        for line in dump.split(separator: "\n") {
            let offset = line.trimmingPrefix { $0 == " " }.prefix { $0 != " " }
            #expect(Int(offset) == bytes.count, "\(line)")
            // Three spaces or a word end the bytes of a line.
            let rest = line[offset.endIndex...].trimmingPrefix { $0 == " " }
            let hex = rest.firstRange(of: "   ").map { rest[..<$0.lowerBound] } ?? rest
            bytes += hex.split(separator: " ").prefix { $0.count == 2 }
                .compactMap { UInt8($0, radix: 16) }
        }
        #expect(bytes == (try GoldenObject.routerPadded.stored()))
    }
}
