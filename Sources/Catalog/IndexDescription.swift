// Everything a reader must know of an index's content: the part that a draft and a manifest share.
//
// A document written by any build of format version 1 decodes here for ever; a field is only added
// with a new format version or as an optional one.
package import ObjectStore

/// One state of an index: how it was built, which objects it is made of, how to search it.
package struct IndexDescription: Sendable, Equatable, Codable {
    package var name: String
    /// `l2`, `ip` or `cosine`.
    package var metric: String
    package var dimension: Int
    /// Element type of the input: `f32`, `f16`, `u8` or `i8`.
    package var elementType: String
    package var vectors: Int
    package var backend: BackendDescription
    package var seed: UInt64
    /// SHA-256 over the input, so that a rebuild can be compared.
    package var inputDigest: ContentDigest
    /// `cells`: a shard is a region of space; `none`: shards are runs of the input.
    package var partition: String
    /// Vectors that a shard was meant to hold.
    package var shardSize: Int
    package var quantizer: QuantizerDescription
    /// `sq8`, `sq16`, `f16` or `none`.
    package var refine: String
    package var search: SearchDefaults
    /// The rule behind each number that was computed, for people.
    package var rules: [String: String]
    package var router: ObjectReference
    package var idTables: [IDTableReference]
    /// Shards by ordinal: the shard part of a numeric id is an index into this list.
    package var shards: [ShardReference]
    /// The query set that recall is measured by; nil if none was kept.
    package var queries: QuerySetReference?
    /// Measured operating points, cheapest first; nil if not measured.
    package var operatingPoints: [OperatingPoint]?

    package init(
        name: String, metric: String, dimension: Int, elementType: String, vectors: Int,
        backend: BackendDescription, seed: UInt64, inputDigest: ContentDigest, partition: String,
        shardSize: Int, quantizer: QuantizerDescription, refine: String, search: SearchDefaults,
        rules: [String: String], router: ObjectReference, idTables: [IDTableReference],
        shards: [ShardReference], queries: QuerySetReference? = nil,
        operatingPoints: [OperatingPoint]? = nil
    ) {
        self.name = name
        self.metric = metric
        self.dimension = dimension
        self.elementType = elementType
        self.vectors = vectors
        self.backend = backend
        self.seed = seed
        self.inputDigest = inputDigest
        self.partition = partition
        self.shardSize = shardSize
        self.quantizer = quantizer
        self.refine = refine
        self.search = search
        self.rules = rules
        self.router = router
        self.idTables = idTables
        self.shards = shards
        self.queries = queries
        self.operatingPoints = operatingPoints
    }
}

/// The backend that trained and encoded.
package struct BackendDescription: Sendable, Equatable, Codable {
    package var name: String
    package var version: String

    package init(name: String, version: String) {
        self.name = name
        self.version = version
    }
}

/// Shape of the product quantizer, the same for all shards.
package struct QuantizerDescription: Sendable, Equatable, Codable {
    package var subquantizers: Int
    package var subdimension: Int
    package var bits: Int
    /// Whether vectors are rotated before they are cut.
    package var rotation: Bool

    package init(subquantizers: Int, subdimension: Int, bits: Int, rotation: Bool) {
        self.subquantizers = subquantizers
        self.subdimension = subdimension
        self.bits = bits
        self.rotation = rotation
    }
}

/// Search parameters that are used unless the caller gives others.
package struct SearchDefaults: Sendable, Equatable, Codable {
    package var nprobe: Int
    package var refineDepth: Int
    package var probeShards: Int
    /// A list may be farther than the nearest one by this times the square root of nprobe. Nil if
    /// all nprobe lists are scanned.
    package var listMargin: Double?

    package init(nprobe: Int, refineDepth: Int, probeShards: Int, listMargin: Double? = nil) {
        self.nprobe = nprobe
        self.refineDepth = refineDepth
        self.probeShards = probeShards
        self.listMargin = listMargin
    }
}

/// A content-addressed object and its size.
package struct ObjectReference: Sendable, Equatable, Codable {
    package var digest: ContentDigest
    package var bytes: UInt64

    package init(digest: ContentDigest, bytes: UInt64) {
        self.digest = digest
        self.bytes = bytes
    }
}

/// A part of the table from external id to place.
package struct IDTableReference: Sendable, Equatable, Codable {
    package var digest: ContentDigest
    package var bytes: UInt64
    package var entries: Int
    /// The bytes that a reader fetches to open the table in one read.
    package var open: ByteSpan

    package init(digest: ContentDigest, bytes: UInt64, entries: Int, open: ByteSpan) {
        self.digest = digest
        self.bytes = bytes
        self.entries = entries
        self.open = open
    }
}

/// A shard, and what opens it.
package struct ShardReference: Sendable, Equatable, Codable {
    package var digest: ContentDigest
    package var bytes: UInt64
    package var vectors: Int
    package var lists: Int
    /// The bytes that a reader fetches to open the shard in one read.
    package var open: ByteSpan

    package init(
        digest: ContentDigest, bytes: UInt64, vectors: Int, lists: Int, open: ByteSpan
    ) {
        self.digest = digest
        self.bytes = bytes
        self.vectors = vectors
        self.lists = lists
        self.open = open
    }
}

/// A run of bytes in an object.
package struct ByteSpan: Sendable, Equatable, Codable {
    package var offset: UInt64
    package var length: UInt64

    package init(offset: UInt64, length: UInt64) {
        self.offset = offset
        self.length = length
    }

    package init(_ range: Range<UInt64>) {
        self.init(offset: range.lowerBound, length: range.upperBound - range.lowerBound)
    }

    /// Whether the range is not empty and lies in an object of `size` bytes.
    func opens(objectOf size: UInt64) -> Bool {
        let (end, overflow) = offset.addingReportingOverflow(length)
        return length > 0 && !overflow && end <= size
    }

    /// Traps where offset + length overflows; a span from a checked document does not.
    package var range: Range<UInt64> { offset..<offset + length }
}
