// How often shards were asked for, kept over a restart.
//
// The file is replaced whole, so a crash leaves the old or the new one. It is only advice: a damaged one is ignored, and
// one that cannot be written is written another time.
package import ObjectStore
package import TesseraBase
import VectorCore

/// Keeps the heat of shards in a file: magic, number of shards (u32), for each its SHA-256 (32 bytes) and its uses (f32),
/// and the CRC-32C of all that (u32); little-endian.
package struct HeatFile: Sendable {
    private static let magic = Array("tessheat".utf8)
    /// Shards that are kept at most, the hottest; so a file has less than 600 KB.
    private static let limit = 1 << 14
    private static let entrySize = 36
    private static let frameSize = magic.count + 8

    private let store: any ObjectStore
    private let key: ObjectKey

    /// - Parameter store: where the file lies; a folder of this machine.
    package init(in store: any ObjectStore, key: ObjectKey = "shards.heat") {
        self.store = store
        self.key = key
    }

    /// What was kept; nothing where there is no file, or one that is damaged.
    package func read() async -> [(shard: ContentDigest, uses: Double)] {
        guard let info = try? await store.head(key),
            info.size <= UInt64(Self.frameSize + Self.limit * Self.entrySize),
            let bytes = try? await store.get(key)
        else { return [] }
        return (try? Self.decode(bytes)) ?? []
    }

    /// Keeps the hottest of `heat`, which has the hottest first. A failure is none: the next time will do.
    package func write(_ heat: [(shard: ContentDigest, uses: Double)]) async {
        try? await store.put(key, Self.encode(heat))
    }

    package static func encode(_ heat: [(shard: ContentDigest, uses: Double)]) -> [UInt8] {
        let kept = heat.prefix(limit)
        var writer = ByteWriter()
        writer.append(magic)
        writer.integer(UInt32(kept.count))
        for (shard, uses) in kept {
            let digits = Array(shard.hex.utf8)
            for place in stride(from: 0, to: digits.count, by: 2) {
                writer.integer(nibble(digits[place]) << 4 | nibble(digits[place + 1]))
            }
            writer.float(Float(uses))
        }
        writer.integer(Kernels.crc32c(writer.bytes))
        return writer.bytes
    }

    /// Throws `corrupted` for anything that ``encode(_:)`` does not write.
    package static func decode(_ bytes: [UInt8]) throws(TesseraError)
        -> [(shard: ContentDigest, uses: Double)]
    {
        var reader = ByteReader(bytes, what: "shard heat")
        guard try reader.take(magic.count).elementsEqual(magic) else {
            throw TesseraError(.corrupted, "this is no file of shard heat")
        }
        let count = Int(try reader.integer(UInt32.self))
        guard count <= limit, bytes.count == frameSize + count * entrySize,
            Kernels.crc32c(bytes[..<(bytes.count - 4)]) == checksum(bytes)
        else { throw TesseraError(.corrupted, "the file of shard heat is damaged") }
        var heat: [(shard: ContentDigest, uses: Double)] = []
        for _ in 0..<count {
            let hex = try reader.take(32).flatMap { [digit($0 >> 4), digit($0 & 15)] }
            let uses = Double(try reader.float())
            guard uses.isFinite, uses >= 0 else { continue }
            heat.append(
                (try ContentDigest(hex: String(decoding: hex, as: UTF8.self)), min(uses, 1e9)))
        }
        return heat
    }

    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        bytes.suffix(4).reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }

    private static func nibble(_ digit: UInt8) -> UInt8 {
        digit >= UInt8(ascii: "a") ? digit - UInt8(ascii: "a") + 10 : digit - UInt8(ascii: "0")
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}
