// Tests of resolving external ids to shards and rows.
import Catalog
import Indexer
import ObjectStore
import Search
import SearchFixtures
import ShardFile
import TesseraBase
import TestSupport
import Testing
import VectorCore
import VectorIndex

struct IDLookupTests {
    @Test func `each id is found where its vector is, and no other`() async throws {
        let base = RandomVectors.clustered(rows: 700, columns: 8, clusters: 7, seed: 2)
        let fixture = try await SearchFixture(base, IndexPlan(shardSize: 200))
        let lookup = IDLookup(manifest: fixture.manifest, catalog: fixture.catalog)
        let shards = try await fixture.shards()
        for row in stride(from: 0, to: 700, by: 3) {
            let place = try #require(try await lookup.place(of: "v\(row)"))
            let shard = shards[place.shard]
            #expect(try shard.id(place.row) == "v\(row)")
            let decoded = try shard.head.refine.decode(shard.refineRow(place.row))
            #expect(ExactSearch.distance(decoded, Array(base.row(row)), .l2) < 1e-3)
        }
        for id in ["v700", "v", "", "V1", "v1 ", "ä"] {
            #expect(try await lookup.place(of: id) == nil)
        }
    }

    @Test func `a damaged or shortened id table is corrupted and named`() async throws {
        let base = RandomVectors.clustered(rows: 300, columns: 8, clusters: 7, seed: 2)
        let fixture = try await SearchFixture(base, IndexPlan())
        let key = "ids/\(fixture.manifest.index.idTables[0].digest.hex).tsr"
        let whole = try await fixture.catalog.store.get(key)
        for position in stride(from: 24, to: whole.count, by: 5) {
            var bytes = whole
            bytes[position] ^= 0x20
            try await fixture.catalog.store.put(key, bytes)
            await expectCorrupted(fixture, key)
        }
        for length in [0, 1, 24, whole.count / 2, whole.count - 1] {
            try await fixture.catalog.store.put(key, Array(whole[..<length]))
            await expectCorrupted(fixture, key)
        }
    }

    private func expectCorrupted(_ fixture: SearchFixture, _ key: String) async {
        let lookup = IDLookup(manifest: fixture.manifest, catalog: fixture.catalog)
        do throws(TesseraError) {
            // All ids are in one bucket.
            _ = try await lookup.place(of: "v7")
            Issue.record("damage went unnoticed")
        } catch {
            #expect(error.code == .corrupted || error.code == .unsupported)
            #expect(error.message.contains(key), "\(error)")
        }
    }
}
