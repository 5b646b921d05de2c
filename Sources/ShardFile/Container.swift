// The container every object of an index comes in: header, sections, footer. docs/shard-format.md
// has the bytes.
//
// Invariants: sections follow one another without a gap; every byte is covered by a checksum;
// sections a reader fetches by range come first, everything needed to open the object lies together
// at the end.
import VectorCore

/// Kind of an object.
package enum ContainerKind: UInt32, Sendable, CaseIterable {
    case shard = 1
    case router = 2
    case idTable = 3
    case querySet = 4
}

/// Kind of a section. Numbers are never reused.
package enum SectionKind: UInt32, Sendable, CaseIterable {
    /// Packed codes, list by list; read by range.
    case lists = 1
    /// Refine rows and id blocks, list by list; read by range.
    case rows = 2
    /// Buckets of an id table; read by range.
    case buckets = 3
    case parameters = 16
    case centroids = 17
    case codebooks = 18
    case refine = 19
    case directory = 20
    case rotation = 21
    case queries = 22
    case neighbours = 23

    /// Whether it is read by range and therefore stored uncompressed; all other sections are in the
    /// tail.
    var isBody: Bool { rawValue < 16 }
}

/// How a section's bytes are stored.
package enum SectionCodec: UInt16, Sendable {
    case stored = 0
    case zstd = 1
}

/// One line of the section table.
package struct Section: Sendable, Equatable {
    package let kind: SectionKind
    package let codec: SectionCodec
    /// Range of its bytes in the object.
    package let range: Range<UInt64>
    package let uncompressedLength: UInt64
    /// CRC-32C of the stored bytes.
    package let checksum: UInt32
}

/// The fixed parts of the format, in bytes.
enum Layout {
    static let magic: [UInt8] = Array("TESSERA1".utf8)
    static let version: UInt32 = 1
    static let headerSize = 24
    static let entrySize = 40
    static let trailerSize = 40
    /// A reader that does not know a section may skip it unless this flag is set.
    static let requiredFlag: UInt16 = 1
    /// Longest section of the tail, in bytes; a longer one is taken for damage.
    static let largestTailSection: UInt64 = 1 << 30
    static let largestSectionCount: UInt32 = 256
}
