// The answers are the same from memory, disk and store, warm or cold.
import Catalog
import Foundation
import ObjectStore
import Search
import SearchFixtures
import SearchTypes
import TesseraBase
import TestSupport
import Testing
import VectorCore
import VectorIndex

struct TieredSearchTests {
    @Test(
        arguments: [true, false],
        [0, 0.15, 0.5, 0.9, 1.2])
    func `any share of the shards in memory gives the same hits`(isLocal: Bool, share: Double)
        async throws
    {
        let fixture = try await TieredFixture.read()
        let store = WatchedStore(fixture.index.store, isLocal: isLocal)
        for residency in [nil, Residency.codes, .all] {
            let budget = Int(share * Double(fixture.bytes[residency ?? .all] ?? 0))
            let provider = fixture.provider(store, budget: budget, residency: residency)
            let backend = try await provider.open(index: "photos", version: 1)
            for _ in 0..<3 {
                let answers = try await backend.search(fixture.request)
                #expect(answers.map(\.answer.hits) == fixture.expected)
                #expect(answers.allSatisfy { $0.share == 1 })
                let slowest: AnswerSource = isLocal ? .disk : .store
                #expect(answers.allSatisfy { $0.source == .ram || $0.source == slowest })
                let statistics = provider.statistics.ram
                #expect(statistics.bytes <= budget)
                #expect((statistics.shards == 0) == (share == 0))
            }
            #expect(provider.statistics.ram.hits > 0 || share == 0)
            await backend.retire()
        }
    }

    @Test func `all in memory reads nothing and says so; nothing in memory says that too`()
        async throws
    {
        let fixture = try await TieredFixture.read()
        let store = WatchedStore(fixture.index.store)
        let whole = try await fixture.provider(store, budget: .max).open(
            index: "photos", version: 1)
        _ = store.takeReads()
        #expect(try await whole.search(fixture.request).allSatisfy { $0.source == .ram })
        #expect(store.takeReads() == 0)
        let cold = try await fixture.provider(store, budget: 0).open(index: "photos", version: 1)
        #expect(try await cold.search(fixture.request).allSatisfy { $0.source == .store })
        #expect(store.takeReads() > 0)
    }

    @Test func `what the disk cache has comes from disk, what it lacks from the store`()
        async throws
    {
        let fixture = try await TieredFixture.read()
        let folder = try TemporaryFolder()
        let store = WatchedStore(fixture.index.store)
        let disk = CachingStore(store, folder: folder.path("cache"), budgetBytes: 64 << 20)
        let provider = LocalProvider(
            store: disk, disk: disk, pool: WorkPool(width: 2),
            options: ServingOptions(memoryBudget: 0, readBudget: 1 << 20))
        let backend = try await provider.open(index: "photos", version: 1)
        let request = SearchRequest(
            queries: Matrix(
                rows: 1, columns: 16, elements: Array(TieredFixture.queries.row(0))),
            options: fixture.index.defaults(k: 10))
        #expect(try await backend.search(request)[0].source == .store)
        _ = store.takeReads()
        let again = try await backend.search(request)[0]
        #expect(again.source == .disk)
        #expect(again.answer.hits == fixture.expected[0])
        #expect(store.takeReads() == 0)
        let statistics = provider.statistics
        let report = TierReport(place: TierReport.here, statistics)
        #expect(try #require(report.disk?.hitRate) > 0)
        #expect(report.memory.hitRate == 0)
    }

    @Test(arguments: [1, 3])
    func `a late query is cut off, or has an empty answer with share 0`(rows: Int) async throws {
        let fixture = try await TieredFixture.read()
        let store = WatchedStore(fixture.index.store)
        let backend = try await fixture.provider(store, budget: 0).open(
            index: "photos", version: 1)
        store.hang()
        func request(allowPartial: Bool) -> SearchRequest {
            SearchRequest(
                queries: TieredFixture.queries.gathering(Array(0..<rows)),
                options: fixture.index.defaults(k: 10),
                deadline: SteadyClock.system.now() + .milliseconds(20),
                allowPartial: allowPartial)
        }
        await #expect {
            _ = try await backend.search(request(allowPartial: false))
        } throws: {
            ($0 as? TesseraError)?.code == .unavailable
        }
        let partial = try await backend.search(request(allowPartial: true))
        #expect(partial.count == rows && partial.allSatisfy { $0.share == 0 })
    }

    @Test
    func `a store that breaks in the middle of a query is an error, and the next query is whole`()
        async throws
    {
        let fixture = try await TieredFixture.read()
        let store = WatchedStore(fixture.index.store)
        let budget = (fixture.bytes[.all] ?? 0) / 3
        let backend = try await fixture.provider(store, budget: budget).open(
            index: "photos", version: 1)
        for reads in [0, 1, 5, 20] {
            store.fail(after: reads)
            await #expect {
                _ = try await backend.search(fixture.request)
            } throws: {
                ($0 as? TesseraError)?.code == .unavailable
            }
        }
        store.fail(after: nil)
        #expect(try await backend.search(fixture.request).map(\.answer.hits) == fixture.expected)
    }

    @Test func `the next process loads the most used shards first`() async throws {
        let fixture = try await TieredFixture.read()
        let folder = try TemporaryFolder()
        let budget = (fixture.bytes[.all] ?? 0) / 3
        let first = fixture.provider(
            WatchedStore(fixture.index.store), budget: budget, residency: .all,
            heat: folder.url.path)
        let backend = try await first.open(index: "photos", version: 1)
        let query = TieredFixture.queries.gathering([Int](repeating: 7, count: 30))
        var narrow = fixture.index.defaults(k: 5)
        narrow.probeCount = 1
        _ = try await backend.search(SearchRequest(queries: query, options: narrow))
        await first.saveHeat()
        let hottest = try #require(first.cache.heat.first)
        #expect(hottest.uses > 20)
        let second = fixture.provider(
            WatchedStore(fixture.index.store), budget: budget, residency: .all,
            heat: folder.url.path)
        // Shards are held for open versions.
        let reopened = try await second.open(index: "photos", version: 1)
        defer { withExtendedLifetime(reopened) {} }
        let ordinal = try #require(
            fixture.index.manifest.index.shards.firstIndex { $0.digest == hottest.shard })
        #expect(second.cache.heat.first?.shard == hottest.shard)
        let held = second.cache.held([ordinal], of: try fixture.shards(fixture.index.store))
        #expect(held.shards[ordinal] != nil)
    }

    @Test func `a damaged heat file is ignored`() async throws {
        let fixture = try await TieredFixture.read()
        let folder = try TemporaryFolder()
        _ = try folder.write("shards.heat", Data("tessheat, or so it says".utf8))
        // If all is in memory, only a sample of the uses is counted.
        let provider = fixture.provider(
            fixture.index.store, budget: (fixture.bytes[.all] ?? 0) / 3, heat: folder.url.path)
        let backend = try await provider.open(index: "photos", version: 1)
        #expect(try await backend.search(fixture.request).map(\.answer.hits) == fixture.expected)
        await provider.saveHeat()
        #expect(!(await HeatFile(in: FileStore(root: folder.url.path)).read()).isEmpty)
    }
}
