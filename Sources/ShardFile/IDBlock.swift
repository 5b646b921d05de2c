// External ids in blocks of 64: front-coded, compressed where it pays, each with its own checksum,
// so that resolving one id reads one block.
package import TesseraBase
import VectorCore

/// A run of external ids.
package enum IDBlock {
    /// Ids in a block.
    package static let capacity = 64
    /// Bytes of the longest external id.
    package static let longestID = 512
    private static let largestPlainSize = capacity * (longestID + 6)

    /// Encodes ids as codec byte, uncompressed length, payload, and CRC-32C of all before.
    ///
    /// The payload holds, for each id, how many bytes it shares with the one before, how many
    /// follow, and those.
    static func encode(_ ids: [[UInt8]]) throws(TesseraError) -> [UInt8] {
        precondition(!ids.isEmpty && ids.count <= capacity, "a block holds 1 to 64 ids")
        var plain = ByteWriter()
        var previous: [UInt8] = []
        for id in ids {
            let shared = zip(previous, id).prefix { $0 == $1 }.count
            plain.varint(UInt64(shared))
            plain.varint(UInt64(id.count - shared))
            plain.append(id[shared...])
            previous = id
        }
        let compressed = try Zstd.compress(plain.bytes)
        let pays = compressed.count < plain.count
        var block = ByteWriter()
        block.integer(UInt8(pays ? SectionCodec.zstd.rawValue : SectionCodec.stored.rawValue))
        block.varint(UInt64(plain.count))
        block.append(pays ? compressed : plain.bytes)
        block.integer(Kernels.crc32c(block.bytes))
        return block.bytes
    }

    /// Decodes the ids at `wanted` of a block of `count` ids, and reads no further. If the last id
    /// is wanted, it also checks that the block ends there.
    ///
    /// - Precondition: `wanted` lies within `count`.
    package static func decode(
        _ block: [UInt8], ids wanted: Range<Int>, of count: Int, what: String
    )
        throws(TesseraError) -> [String]
    {
        precondition(wanted.lowerBound >= 0 && wanted.upperBound <= count, "no such ids")
        var reader = ByteReader(try plain(block, what: what), what: what)
        var ids: [String] = []
        var id: [UInt8] = []
        for index in 0..<wanted.upperBound {
            let shared = try reader.varint()
            let rest = try reader.varint()
            guard shared <= UInt64(id.count), rest <= UInt64(longestID) else {
                throw TesseraError(.corrupted, "\(what) holds an impossible id")
            }
            id.removeLast(id.count - Int(shared))
            id += try reader.take(Int(rest))
            guard wanted.contains(index) else { continue }
            guard let text = String(validating: id, as: UTF8.self) else {
                throw TesseraError(.corrupted, "\(what) holds an id that is not UTF-8")
            }
            ids.append(text)
        }
        if wanted.upperBound == count { try reader.finish() }
        return ids
    }

    /// The bytes of a block before its checksum. Throws `corrupted` unless they match.
    @discardableResult
    static func check(_ block: ArraySlice<UInt8>, what: String) throws(TesseraError)
        -> ArraySlice<UInt8>
    {
        guard let payload = Checksummed.payload(of: block) else {
            throw TesseraError(.corrupted, "\(what) does not match its checksum")
        }
        return payload
    }

    private static func plain(_ block: [UInt8], what: String) throws(TesseraError) -> [UInt8] {
        var reader = ByteReader(try check(block[...], what: what), what: what)
        let codec = try reader.integer(UInt8.self)
        let length = try reader.varint()
        guard let codec = SectionCodec(rawValue: UInt16(codec)), length <= UInt64(largestPlainSize)
        else { throw TesseraError(.corrupted, "\(what) has an impossible length or codec") }
        let payload = try reader.take(reader.remaining)
        return codec == .stored
            ? Array(payload) : try Zstd.decompress(payload, to: Int(length), what: what)
    }
}
