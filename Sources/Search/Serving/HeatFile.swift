// The file that keeps shards' access frequencies (heat) over restarts.
//
// The file is replaced as a whole, so a crash leaves the old or the new one. It is only a hint: a
// damaged file is ignored, and a failed write is dropped until the next one.
package import ObjectStore
package import TesseraBase
import VectorCore

/// Reads and writes the file. Layout, little-endian: magic, number of shards (u32), for each shard
/// its SHA-256 (32 bytes) and its uses (f32), then the CRC-32C of all that (u32).
package struct HeatFile: Sendable {
    private static let magic = Array("tessheat".utf8)
    /// Most shards kept, the hottest ones; this bounds the file to less than 600 KB.
    private static let limit = 1 << 14
    private static let entrySize = 36
    private static let frameSize = magic.count + 8

    private let store: any ObjectStore
    private let key: ObjectKey

    /// - Parameter store: holds the file; a folder of this machine.
    package init(in store: any ObjectStore, key: ObjectKey = "shards.heat") {
        self.store = store
        self.key = key
    }

    /// The saved frequencies; empty if the file is missing or damaged.
    package func read() async -> [(shard: ContentDigest, uses: Double)] {
        guard let info = try? await store.head(key),
            info.size <= UInt64(Self.frameSize + Self.limit * Self.entrySize),
            let bytes = try? await store.get(key)
        else { return [] }
        return (try? Self.decode(bytes)) ?? []
    }

    /// Saves the hottest of `heat`, which is sorted hottest first. Failures are ignored, since the
    /// next save will replace the file.
    package func write(_ heat: [(shard: ContentDigest, uses: Double)]) async {
        try? await store.put(key, Self.encode(heat))
    }

    /// The bytes of the file for `heat`.
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

    /// Parses a file. Throws `corrupted` for anything that ``encode(_:)`` does not write.
    package static func decode(_ bytes: [UInt8]) throws(TesseraError)
        -> [(shard: ContentDigest, uses: Double)]
    {
        var reader = ByteReader(bytes, what: "shard heat")
        guard try reader.take(magic.count).elementsEqual(magic) else {
            throw TesseraError(.corrupted, "this is not a shard heat file")
        }
        let count = Int(try reader.integer(UInt32.self))
        guard count <= limit, bytes.count == frameSize + count * entrySize,
            Kernels.crc32c(bytes[..<(bytes.count - 4)]) == checksum(bytes)
        else { throw TesseraError(.corrupted, "the shard heat file is damaged") }
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
