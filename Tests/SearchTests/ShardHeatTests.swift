// Tests of access frequencies, and of the file that keeps them.
import Foundation
import ObjectStore
import Search
import TesseraBase
import TestSupport
import Testing

/// A digest that stands for a number.
func digest(_ number: Int) -> ContentDigest { ContentDigest(of: Array("\(number)".utf8)) }

struct ShardHeatTests {
    @Test func `uses of a half-life ago count half, and of two a quarter`() {
        var heat = ShardHeat(halfLife: .seconds(10))
        heat.touch(digest(1), uses: 8, at: .seconds(100))
        for (seconds, uses) in [(100, 8.0), (110, 4.0), (120, 2.0), (130, 1.0)] {
            #expect(abs(heat.uses(of: digest(1), at: .seconds(seconds)) - uses) < 1e-9)
        }
        heat.touch(digest(1), at: .seconds(120))
        #expect(abs(heat.uses(of: digest(1), at: .seconds(120)) - 3) < 1e-9)
        #expect(heat.uses(of: digest(2), at: .seconds(120)) == 0)
    }

    @Test func `a year of uses overflows nothing, and the last ones are the hottest`() {
        var heat = ShardHeat(halfLife: .seconds(600))
        for hour in 0..<8760 { heat.touch(digest(hour % 7), at: .seconds(3600 * hour)) }
        let now = Duration.seconds(3600 * 8759)
        let ranked = heat.ranked(at: now)
        #expect(ranked.first?.shard == digest(8759 % 7))
        #expect(ranked.allSatisfy { $0.uses.isFinite && $0.uses < 2 })
        #expect(abs(heat.uses(of: digest(8759 % 7), at: now) - 1) < 1e-9)
    }

    @Test func `no more shards are counted than the limit, and the hottest stay`() {
        var heat = ShardHeat(limit: 100)
        for number in 0..<1000 {
            heat.touch(digest(number), uses: number % 100 == 0 ? 50 : 1, at: .seconds(number))
            #expect(heat.count <= 100)
        }
        for number in stride(from: 0, to: 1000, by: 100) {
            #expect(heat.uses(of: digest(number), at: .seconds(1000)) > 10)
        }
    }

    @Test func `access frequencies are kept in a file`() async throws {
        let folder = try TemporaryFolder()
        let file = HeatFile(in: FileStore(root: folder.path("cache")))
        #expect(await file.read().isEmpty)
        let heat = (0..<50).map { (shard: digest($0), uses: Double(50 - $0)) }
        await file.write(heat)
        let read = await file.read()
        #expect(read.map(\.shard) == heat.map(\.shard))
        #expect(read.map(\.uses) == heat.map(\.uses))
    }

    @Test func `a file holds the hottest, and not more than it may`() throws {
        let heat = (0..<20_000).map { (shard: digest($0), uses: Double(20_000 - $0)) }
        let bytes = HeatFile.encode(heat)
        #expect(bytes.count < 600_000)
        let read = try HeatFile.decode(bytes)
        #expect(read.map(\.shard) == heat.prefix(read.count).map(\.shard))
    }

    @Test func `a damaged or truncated heat file is ignored`() async throws {
        let store = MemoryStore()
        let file = HeatFile(in: store)
        let whole = HeatFile.encode((0..<3).map { (shard: digest($0), uses: 1.5) })
        for place in whole.indices {
            var bytes = whole
            bytes[place] ^= 0x41
            try await store.put("shards.heat", bytes)
            #expect(await file.read().isEmpty)
            try await store.put("shards.heat", Array(whole[..<place]))
            #expect(await file.read().isEmpty)
        }
        try await store.put("shards.heat", [UInt8](repeating: 0, count: 1 << 20))
        #expect(await file.read().isEmpty)
        try await store.put("shards.heat", whole)
        #expect(await file.read().count == 3)
    }
}
