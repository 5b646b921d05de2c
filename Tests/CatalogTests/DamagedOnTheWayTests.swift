// Bytes damaged in transit are read once more before an object is reported as changed.
import Catalog
import Foundation
import ObjectStore
import Synchronization
import TesseraBase
import TestSupport
import Testing

/// Flips a bit in the first reads of each object under `shards/`.
private final class NoisyStore: StoreWrapper {
    let base: any ObjectStore
    private let noisyReads: Int
    private let reads = Mutex<[ObjectKey: Int]>([:])

    init(_ base: any ObjectStore, noisyReads: Int) {
        self.base = base
        self.noisyReads = noisyReads
    }

    func get(_ key: ObjectKey, range: Range<UInt64>?) async throws(TesseraError) -> [UInt8] {
        var bytes = try await base.get(key, range: range)
        let count = reads.withLock { counts in
            counts[key, default: 0] += 1
            return counts[key] ?? 0
        }
        if key.contains("shards/"), count <= noisyReads { bytes[0] ^= 1 }
        return bytes
    }
}

struct DamagedOnTheWayTests {
    @Test func `one damaged read of each object does not stop a publish`() async throws {
        let bench = try Bench()
        _ = try await bench.catalog.train("first")
        let noisy = try bench.catalog(over: NoisyStore(bench.memory, noisyReads: 1))
        #expect(try await noisy.publish().manifest.version == 1)
    }

    @Test func `an object that reads as damaged twice does`() async throws {
        let bench = try Bench()
        _ = try await bench.catalog.train("first")
        let noisy = try bench.catalog(over: NoisyStore(bench.memory, noisyReads: 2))
        await #expect {
            try await noisy.publish()
        } throws: { ($0 as? TesseraError)?.code == .corrupted }
        #expect(try await bench.catalog.drafts().count == 1)
    }
}
