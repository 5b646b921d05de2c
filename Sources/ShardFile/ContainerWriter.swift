// Puts sections into a container. The same sections give the same bytes.
import TesseraBase
import VectorCore

/// A finished object and where to open it.
package struct ContainerImage: Sendable, Equatable {
    package let bytes: [UInt8]
    /// One read of this range opens the object: all sections but those read by range, and the
    /// footer.
    package let open: Range<UInt64>
}

/// Collects sections and writes header and footer about them.
struct ContainerWriter {
    private let kind: ContainerKind
    private var output = ByteWriter()
    private var sections: [Section] = []
    private var tailOffset: UInt64?

    init(_ kind: ContainerKind) {
        self.kind = kind
        output.append(Layout.magic)
        output.integer(Layout.version)
        output.integer(kind.rawValue)
        output.integer(UInt32(0))
        output.integer(Kernels.crc32c(output.bytes))
    }

    /// Appends a section; sections of the tail are compressed where that saves at least a tenth.
    ///
    /// - Precondition: sections read by range come before those of the tail.
    mutating func append(_ section: SectionKind, _ bytes: [UInt8]) throws(TesseraError) {
        precondition(!section.isBody || tailOffset == nil, "sections read by range come first")
        let offset = UInt64(output.count)
        if !section.isBody && tailOffset == nil { tailOffset = offset }
        let compressed = section.isBody ? nil : try Zstd.compress(bytes)
        let pays = compressed.map { $0.count < bytes.count - bytes.count / 10 } ?? false
        let stored = pays ? compressed ?? bytes : bytes
        output.append(stored)
        sections.append(
            Section(
                kind: section, codec: pays ? .zstd : .stored,
                range: offset..<offset + UInt64(stored.count),
                uncompressedLength: UInt64(bytes.count), checksum: Kernels.crc32c(stored)))
    }

    /// Writes the footer: the section table, then the trailer.
    mutating func finish() -> ContainerImage {
        var footer = ByteWriter()
        for section in sections {
            footer.integer(section.kind.rawValue)
            footer.integer(section.codec.rawValue)
            footer.integer(Layout.requiredFlag)
            footer.integer(section.range.lowerBound)
            footer.integer(UInt64(section.range.count))
            footer.integer(section.uncompressedLength)
            footer.integer(section.checksum)
            footer.integer(UInt32(0))
        }
        let tail = tailOffset ?? UInt64(output.count)
        let size = output.count + footer.count + Layout.trailerSize
        footer.integer(tail)
        footer.integer(UInt64(size))
        footer.integer(UInt32(sections.count))
        footer.integer(kind.rawValue)
        footer.integer(Layout.version)
        footer.integer(Kernels.crc32c(footer.bytes))
        footer.append(Layout.magic)
        output.append(footer.bytes)
        return ContainerImage(bytes: output.bytes, open: tail..<UInt64(size))
    }
}
