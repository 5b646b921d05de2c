// Shards damaged after publication: loading or searching fails with an error that names the object,
// and never crashes.
import Catalog
import Foundation
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

struct DamagedShardTests {
    private static let base = RandomVectors.clustered(rows: 600, columns: 10, clusters: 6, seed: 1)

    /// Loads, then searches so widely that every row is refined and every id block is read.
    private func use(_ fixture: SearchFixture) async throws(TesseraError) {
        let searcher = try await fixture.load()
        try search(searcher, fixture)
    }

    private func search(_ searcher: IndexSearcher, _ fixture: SearchFixture) throws(TesseraError) {
        var scratch = SearchScratch()
        _ = try searcher.search(
            Self.base.row(0), options: fixture.everywhere(k: 600), scratch: &scratch)
    }

    private func expectCorrupted(_ fixture: SearchFixture, _ what: String) async {
        do throws(TesseraError) {
            try await use(fixture)
            Issue.record("\(what): damage went unnoticed")
        } catch {
            #expect(error.code == .corrupted || error.code == .unsupported, "\(what)")
            #expect(error.message.contains(fixture.shardKey(1)), "\(what): \(error)")
        }
    }

    @Test(arguments: [RefineEncoding.sq8, .f16, .none])
    func `damage in any section is found and named`(refine: RefineEncoding) async throws {
        let fixture = try await SearchFixture(Self.base, IndexPlan(refine: refine, shardSize: 200))
        let key = fixture.shardKey(1)
        let whole = try await fixture.catalog.store.get(key)
        let container = try ContainerReader.verify(whole, kind: .shard, name: "shard")
        try await use(fixture)
        for section in container.sections where !section.range.isEmpty {
            let span = Int(section.range.lowerBound)..<Int(section.range.upperBound)
            for position in stride(
                from: span.lowerBound, to: span.upperBound, by: max(1, span.count / 12))
            {
                var bytes = whole
                bytes[position] ^= 0x08
                try await fixture.catalog.store.put(key, bytes)
                await expectCorrupted(fixture, "\(section.kind), byte \(position)")
            }
        }
        let footer = 40 * (container.sections.count + 1)
        for position in stride(from: whole.count - footer, to: whole.count, by: 9) {
            var bytes = whole
            bytes[position] ^= 0x40
            try await fixture.catalog.store.put(key, bytes)
            await expectCorrupted(fixture, "footer, byte \(position)")
        }
    }

    @Test func `a shortened or exchanged shard is found and named`() async throws {
        let fixture = try await SearchFixture(Self.base, IndexPlan(shardSize: 200))
        let key = fixture.shardKey(1)
        let whole = try await fixture.catalog.store.get(key)
        for length in [0, 24, whole.count / 3, whole.count - 41, whole.count - 1] {
            try await fixture.catalog.store.put(key, Array(whole[..<length]))
            await expectCorrupted(fixture, "\(length) bytes")
        }
        let other = try await fixture.catalog.store.get(fixture.shardKey(0))
        try await fixture.catalog.store.put(key, other)
        await expectCorrupted(fixture, "another shard")
    }

    @Test func `a file cut short while it is open fails the search, not the process`() async throws
    {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let fixture = try await SearchFixture(
            Self.base, IndexPlan(shardSize: 200), store: FileStore(root: folder.url.path))
        let searcher = try await fixture.load()
        try search(searcher, fixture)
        let path = folder.path("photos/" + fixture.shardKey(1))
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
        let file = try FileHandle(forWritingTo: URL(filePath: path))
        try file.truncate(atOffset: 100)
        try file.close()
        do throws(TesseraError) {
            try search(searcher, fixture)
            Issue.record("a search read bytes beyond the end of the file")
        } catch {
            #expect(error.code == .corrupted)
            #expect(error.message.contains(fixture.shardKey(1)), "\(error)")
        }
    }
}
