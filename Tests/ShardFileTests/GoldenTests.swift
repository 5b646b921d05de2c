// The format does not drift: what version 1 wrote is read for ever, and today's writer still writes
// it.
//
// zstd may compress better in another version, so bytes are compared only where the linked zstd is
// the one that wrote the golden files; what the sections decompress to is compared always.
// TESSERA_WRITE_GOLDENS=1 writes the files anew, which is right before a release of a format
// version and wrong ever after.
import Foundation
import ShardFile
import TestSupport
import Testing
import VectorCore
import VectorIndex

struct GoldenTests {
    private static let rewrites =
        ProcessInfo.processInfo.environment["TESSERA_WRITE_GOLDENS"] == "1"
    private static let tailSections: [SectionKind] = [
        .parameters, .centroids, .codebooks, .refine, .directory, .rotation,
        .queries, .neighbours,
    ]

    @Test(.enabled(if: rewrites, "TESSERA_WRITE_GOLDENS is unset"))
    func `golden files are written anew`() throws {
        for object in GoldenObject.allCases {
            try Data(object.written()).write(to: object.file)
        }
        try Data((Zstd.libraryVersion + "\n").utf8).write(to: GoldenObject.versionFile)
    }

    @Test(
        .disabled(if: rewrites),
        arguments: GoldenObject.allCases)
    func `today's writer makes the golden objects`(_ object: GoldenObject) throws {
        let (golden, today) = (try object.stored(), try object.written())
        let author = try String(contentsOf: GoldenObject.versionFile, encoding: .utf8)
        if author == Zstd.libraryVersion + "\n" {
            #expect(golden == today, "\(object.rawValue): the bytes changed")
        }
        let (old, new) = (
            try ContainerReader.verify(golden, kind: object.kind, name: object.rawValue),
            try ContainerReader.verify(today, kind: object.kind, name: object.rawValue)
        )
        #expect(old.sections.map(\.kind) == new.sections.map(\.kind))
        for section in old.sections {
            #expect(
                try plain(section, old, golden) == plain(section, new, today), "\(section.kind)")
        }
    }

    /// What a section says, whichever zstd it went through. The lengths of id blocks, which the
    /// directory lists, and the blocks themselves depend on zstd: the test of the reader compares
    /// them decoded.
    private func plain(_ section: Section, _ container: ContainerReader, _ object: [UInt8])
        throws -> [UInt8]
    {
        if section.kind == .rows || (section.kind == .directory && container.kind == .shard) {
            return []
        }
        if Self.tailSections.contains(section.kind),
            section.kind != .directory || container.kind == .idTable
        {
            return try container.tailSection(section.kind)
        }
        let range = try container.section(section.kind).range
        return Array(object[Int(range.lowerBound)..<Int(range.upperBound)])
    }

    @Test(
        .disabled(if: rewrites),
        arguments: [GoldenObject.shardL2, .shardInnerProduct, .shardCosine])
    func `today's reader reads the golden shards`(_ object: GoldenObject) throws {
        let bytes = try object.stored()
        let contents = try #require(object.contents)
        let head = try ShardHead.verify(bytes, name: object.rawValue)
        #expect(head.metric == contents.metric)
        #expect(head.dimension == ShardFixture.dimension)
        #expect(head.model == contents.encoded.model)
        #expect(head.refine == contents.refine)
        #expect(head.lists.map(\.count) == contents.encoded.lists.map(\.members.count))
        for (entry, list) in zip(head.lists, contents.encoded.lists) {
            #expect(entry.biasOffset == list.biasOffset && entry.biasStep == list.biasStep)
            let packed = bytes[Int(entry.codes.lowerBound)..<Int(entry.codes.upperBound)]
            #expect(Array(packed) == CodePacking.pack(list, shape: head.model.shape))
            for (offset, member) in list.members.enumerated() {
                try expectRow(entry.firstRow + offset, member, head, bytes, contents)
            }
        }
    }

    private func expectRow(
        _ row: Int, _ member: Int, _ head: ShardHead, _ bytes: [UInt8], _ contents: ShardContents
    ) throws {
        let place = head.idPlace(row: row)
        let block = Array(bytes[Int(place.range.lowerBound)..<Int(place.range.upperBound)])
        #expect(Array(try head.ids(block, at: place)[place.index].utf8) == contents.ids[member])
        guard let range = head.refineRange(row: row) else {
            #expect(contents.refine.encoding == .none)
            return
        }
        let stored = bytes[Int(range.lowerBound)..<Int(range.upperBound)]
        #expect(
            Array(try head.refineRow(stored, row: row))
                == contents.refine.encode(contents.vectors.row(member)))
    }

    @Test(
        .disabled(if: rewrites),
        arguments: [GoldenObject.routerPadded, .routerRotated])
    func `today's reader reads the golden routers`(_ object: GoldenObject) throws {
        #expect(try RouterFile.read(object.stored(), name: object.rawValue) == object.router)
    }

    @Test(
        .disabled(if: rewrites),
        arguments: [GoldenObject.querySetSampled, .querySetGiven])
    func `today's reader reads the golden query sets`(_ object: GoldenObject) throws {
        #expect(try QuerySetFile.read(object.stored(), name: object.rawValue) == object.querySet)
    }

    @Test(.disabled(if: rewrites))
    func `today's reader reads the golden id table`() throws {
        let bytes = try GoldenObject.idTable.stored()
        let container = try ContainerReader.verify(bytes, kind: .idTable, name: "id-table")
        let start = Int(try container.section(.directory).range.lowerBound)
        let table = try IDTable(tail: Array(bytes[start...]), name: "id-table")
        for entry in GoldenObject.entries {
            let range = table.range(of: entry.hash)
            let bucket = Array(bytes[Int(range.lowerBound)..<Int(range.upperBound)])
            #expect(try table.places(of: entry.hash, in: bucket) == [entry.id])
        }
    }

    @Test(
        .disabled(if: rewrites),
        .enabled(
            if: Python.accepts("import ctypes; ctypes.CDLL('libzstd.so.1')"),
            "python3 or libzstd.so.1 is missing"),
        arguments: [GoldenObject.shardL2, .shardInnerProduct, .shardCosine])
    func `a reader written from docs/shard-format.md alone reads the golden shards`(
        _ object: GoldenObject
    ) throws {
        let result = try Python.run([Python.script("read-shard.py"), object.file.path])
        #expect(result.status == 0, "\(result.output)")
        let dump = try JSONDecoder().decode(ShardDump.self, from: Data(result.output.utf8))
        #expect(dump == ShardDump(try #require(object.contents)))
    }

    @Test(
        .disabled(if: rewrites),
        .enabled(
            if: Python.accepts("import ctypes; ctypes.CDLL('libzstd.so.1')"),
            "python3 or libzstd.so.1 is missing"))
    func `and the other golden objects`() throws {
        for object in [GoldenObject.routerPadded, .routerRotated] {
            let result = try Python.run([Python.script("read-shard.py"), object.file.path])
            let dump = try JSONDecoder().decode(RouterDump.self, from: Data(result.output.utf8))
            #expect(dump == RouterDump(object.router))
        }
        for object in [GoldenObject.querySetSampled, .querySetGiven] {
            let result = try Python.run([Python.script("read-shard.py"), object.file.path])
            let dump = try JSONDecoder().decode(QuerySetDump.self, from: Data(result.output.utf8))
            #expect(dump == QuerySetDump(object.querySet))
        }
        let result = try Python.run([
            Python.script("read-shard.py"), GoldenObject.idTable.file.path,
        ])
        let dump = try JSONDecoder().decode(IDTableDump.self, from: Data(result.output.utf8))
        #expect(
            dump.entries == GoldenObject.entries.map { [$0.hash, $0.id.rawValue] })
    }
}
