// Opens a container from the bytes at its end, and checks a whole one byte by byte.
package import TesseraBase
import VectorCore

/// An opened container: its section table, and the sections of its tail.
package struct ContainerReader: Sendable {
    package let kind: ContainerKind
    package let sections: [Section]
    /// Bytes of the whole object.
    package let size: UInt64
    /// All entries of the section table, including sections that this build does not know.
    private let entries: [TableEntry]
    private let tail: [UInt8]
    private let tailOffset: UInt64
    private let name: String

    /// Reads the footer out of an object's last bytes.
    ///
    /// - Parameters:
    ///   - tail: exactly the object's `open` range.
    ///   - name: the object's name, for errors.
    /// - Throws: `corrupted` where anything does not fit or match its checksum, `unsupported` for a
    ///   newer format.
    package init(tail: [UInt8], kind: ContainerKind, name: String) throws(TesseraError) {
        let trailer = try Trailer(tail: tail, name: name)
        guard trailer.kind == kind else {
            throw TesseraError(.corrupted, "\(name) is a \(trailer.kind), not a \(kind)")
        }
        self.kind = kind
        self.name = name
        self.tail = tail
        size = trailer.size
        tailOffset = trailer.tailOffset
        entries = try Self.sectionTable(tail: tail, trailer: trailer, name: name)
        sections = entries.compactMap(\.section)
    }

    /// A section of the tail, decompressed and checked. Throws `corrupted` where it is missing or
    /// damaged.
    package func tailSection(_ kind: SectionKind) throws(TesseraError) -> [UInt8] {
        let section = try section(kind)
        guard section.range.lowerBound >= tailOffset,
            section.uncompressedLength <= Layout.largestTailSection
        else { throw TesseraError(.corrupted, "\(name): section \(kind) is not in the tail") }
        let start = Int(section.range.lowerBound - tailOffset)
        let stored = tail[start..<start + section.range.count]
        guard Kernels.crc32c(stored) == section.checksum else {
            throw TesseraError(.corrupted, "\(name): section \(kind) does not match its checksum")
        }
        guard section.codec == .zstd else { return Array(stored) }
        return try Zstd.decompress(
            stored, to: Int(section.uncompressedLength), what: "\(name): section \(kind)")
    }

    /// The section of a kind. Throws `corrupted` if there is none.
    package func section(_ kind: SectionKind) throws(TesseraError) -> Section {
        guard let section = sections.first(where: { $0.kind == kind }) else {
            throw TesseraError(.corrupted, "\(name) has no section \(kind)")
        }
        return section
    }

    /// Checks every byte of a whole object: header, each section, footer.
    ///
    /// - Returns: the opened container.
    package static func verify(_ object: [UInt8], kind: ContainerKind, name: String)
        throws(TesseraError) -> ContainerReader
    {
        let header = object.prefix(Layout.headerSize)
        var reader = ByteReader(header, what: "header of \(name)")
        let start = try reader.take(Layout.headerSize - 4)
        guard try reader.integer(UInt32.self) == Kernels.crc32c(start),
            start.starts(with: Layout.magic)
        else { throw TesseraError(.corrupted, "\(name): the header does not match its checksum") }
        let trailer = try Trailer(tail: object, name: name)
        guard trailer.size == UInt64(object.count) else {
            throw TesseraError(
                .corrupted, "\(name) has \(object.count) bytes, its footer says \(trailer.size)")
        }
        let tail = Array(object[Int(trailer.tailOffset)...])
        let container = try ContainerReader(tail: tail, kind: kind, name: name)
        for entry in container.entries {
            let bytes = object[Int(entry.range.lowerBound)..<Int(entry.range.upperBound)]
            guard Kernels.crc32c(bytes) == entry.checksum else {
                let label = entry.section.map { "\($0.kind)" } ?? "\(entry.rawKind)"
                throw TesseraError(
                    .corrupted, "\(name): section \(label) does not match its checksum")
            }
        }
        return container
    }

    private static func sectionTable(tail: [UInt8], trailer: Trailer, name: String)
        throws(TesseraError) -> [TableEntry]
    {
        var reader = ByteReader(tail[trailer.table], what: "section table of \(name)")
        var entries: [TableEntry] = []
        var end = UInt64(Layout.headerSize)
        for _ in 0..<trailer.sectionCount {
            let entry = try tableEntry(&reader, after: end, name: name)
            end = entry.range.upperBound
            entries.append(entry)
        }
        let tableOffset = trailer.tailOffset + UInt64(trailer.table.lowerBound)
        guard end == tableOffset else {
            throw TesseraError(.corrupted, "\(name): the sections do not reach the footer")
        }
        return entries
    }

    /// One entry; without a section for one that this build does not know and may skip.
    private static func tableEntry(_ reader: inout ByteReader, after end: UInt64, name: String)
        throws(TesseraError) -> TableEntry
    {
        let rawKind = try reader.integer(UInt32.self)
        let rawCodec = try reader.integer(UInt16.self)
        let flags = try reader.integer(UInt16.self)
        let offset = try reader.integer(UInt64.self)
        let length = try reader.integer(UInt64.self)
        let uncompressed = try reader.integer(UInt64.self)
        let checksum = try reader.integer(UInt32.self)
        _ = try reader.integer(UInt32.self)
        let (next, overflow) = offset.addingReportingOverflow(length)
        guard offset == end, !overflow, length <= UInt64(Int.max) else {
            throw TesseraError(.corrupted, "\(name): section \(rawKind) is out of place")
        }
        guard let kind = SectionKind(rawValue: rawKind),
            let codec = SectionCodec(rawValue: rawCodec)
        else {
            guard flags & Layout.requiredFlag == 0 else {
                throw TesseraError(
                    .unsupported,
                    "\(name) has section \(rawKind) (codec \(rawCodec)), which this build cannot read; upgrade"
                )
            }
            return TableEntry(
                rawKind: rawKind, range: offset..<next, checksum: checksum, section: nil)
        }
        let section = Section(
            kind: kind, codec: codec, range: offset..<next, uncompressedLength: uncompressed,
            checksum: checksum)
        return TableEntry(
            rawKind: rawKind, range: offset..<next, checksum: checksum, section: section)
    }
}

/// One line of the section table, whether this build knows the section or not.
private struct TableEntry: Sendable {
    let rawKind: UInt32
    let range: Range<UInt64>
    let checksum: UInt32
    let section: Section?
}

/// The last bytes of every container.
private struct Trailer {
    let tailOffset: UInt64
    let size: UInt64
    let sectionCount: Int
    let kind: ContainerKind
    /// Range of the section table in the tail.
    let table: Range<Int>

    /// - Parameter tail: the object from some point on to its end; whole objects serve as well.
    init(tail: [UInt8], name: String) throws(TesseraError) {
        guard tail.count >= Layout.trailerSize else {
            throw TesseraError(.corrupted, "\(name) has only \(tail.count) bytes")
        }
        let bytes = tail.suffix(Layout.trailerSize)
        var reader = ByteReader(bytes, what: "footer of \(name)")
        tailOffset = try reader.integer(UInt64.self)
        size = try reader.integer(UInt64.self)
        let count = try reader.integer(UInt32.self)
        let rawKind = try reader.integer(UInt32.self)
        let version = try reader.integer(UInt32.self)
        let checksum = try reader.integer(UInt32.self)
        guard bytes.suffix(Layout.magic.count).elementsEqual(Layout.magic) else {
            throw TesseraError(.corrupted, "\(name) does not end like a tessera object")
        }
        guard version == Layout.version else {
            throw TesseraError(
                .unsupported,
                "\(name) has format version \(version), this build reads \(Layout.version); upgrade"
            )
        }
        let tableSize = Int(count) * Layout.entrySize
        func fault(_ field: String, at offset: Int, _ value: UInt64) -> TesseraError {
            TesseraError(
                .corrupted,
                "\(name): the footer's \(field), \(Layout.trailerSize - offset) bytes before the end, "
                    + "is \(value), which is out of range")
        }
        guard size <= UInt64(Int.max) else { throw fault("object size", at: 8, size) }
        guard tailOffset <= size else { throw fault("tail offset", at: 0, tailOffset) }
        guard count <= Layout.largestSectionCount, tableSize + Layout.trailerSize <= tail.count
        else { throw fault("section count", at: 16, UInt64(count)) }
        guard let kind = ContainerKind(rawValue: rawKind) else {
            throw fault("object kind", at: 20, UInt64(rawKind))
        }
        let footer = tail.suffix(tableSize + Layout.trailerSize)
        let covered = footer.prefix(tableSize + Layout.trailerSize - 4 - Layout.magic.count)
        guard Kernels.crc32c(covered) == checksum else {
            throw TesseraError(.corrupted, "\(name): the footer does not match its checksum")
        }
        let tailSize = Int(size - tailOffset)
        guard tailSize <= tail.count, tailSize >= footer.count else {
            throw TesseraError(
                .corrupted, "\(name): the tail has \(tail.count) bytes, \(tailSize) are expected")
        }
        sectionCount = Int(count)
        self.kind = kind
        let start = tailSize - footer.count
        table = start..<start + tableSize
    }
}
