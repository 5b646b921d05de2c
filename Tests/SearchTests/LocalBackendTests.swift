// A version searched in process gives the searcher's answers, or none after the deadline.
import Catalog
import ObjectStore
import Search
import SearchFixtures
import SearchTypes
import TesseraBase
import TestSupport
import Testing
import VectorCore
import VectorIndex

struct LocalBackendTests {
    private static let base = RandomVectors.clustered(
        rows: 1500, columns: 16, clusters: 20, seed: 6)

    private func queries(_ rows: Int) -> Matrix {
        RandomVectors.clustered(rows: rows, columns: 16, clusters: 20, seed: 6)
    }

    private func open(_ fixture: SearchFixture, width: Int = 2) async throws -> any VersionBackend {
        let provider = LocalProvider(store: fixture.store, pool: WorkPool(width: width))
        return try await provider.open(index: "photos", version: fixture.manifest.version)
    }

    @Test(arguments: [1, 3, 64, 200])
    func `a request of any size has the searcher's answers, in order`(rows: Int) async throws {
        let fixture = try await SearchFixture(Self.base, IndexPlan())
        let searcher = try await fixture.load()
        let backend = try await open(fixture)
        let queries = queries(rows)
        for options in [fixture.defaults(k: 10), fixture.everywhere(k: 3)] {
            let answers = try await backend.search(
                SearchRequest(queries: queries, options: options))
            #expect(answers.count == rows)
            var scratch = SearchScratch()
            for (row, answer) in answers.enumerated() {
                let expected = try searcher.search(
                    queries.row(row), options: options, scratch: &scratch)
                #expect(answer.answer.hits == expected.hits)
                #expect(answer.share == 1 && answer.source == .ram)
            }
        }
    }

    @Test func `a deadline that is past is unavailable, or an empty answer with share 0`()
        async throws
    {
        let fixture = try await SearchFixture(Self.base, IndexPlan())
        let backend = try await open(fixture)
        let past = SteadyClock.system.now() - .seconds(1)
        for rows in [1, 100] {
            let request = SearchRequest(
                queries: queries(rows), options: fixture.defaults(k: 10), deadline: past)
            await #expect {
                _ = try await backend.search(request)
            } throws: {
                ($0 as? TesseraError)?.code == .unavailable
            }
            let partial = try await backend.search(
                SearchRequest(
                    queries: queries(rows), options: fixture.defaults(k: 10), deadline: past,
                    allowPartial: true))
            #expect(partial.count == rows)
            #expect(partial.allSatisfy { $0.share == 0 && $0.answer.hits.isEmpty })
        }
    }

    @Test func `requests that no version can answer are refused`() async throws {
        let fixture = try await SearchFixture(Self.base, IndexPlan())
        let backend = try await open(fixture)
        var notANumber = queries(1)
        notANumber.elements[3] = .nan
        let options = fixture.defaults(k: 10)
        var large = options
        large.k = .max
        for request in [
            SearchRequest(queries: Matrix(rows: 1, columns: 15), options: options),
            SearchRequest(queries: notANumber, options: options),
            SearchRequest(queries: queries(1), options: large),
            SearchRequest(queries: queries(1), options: fixture.defaults(k: 0)),
        ] {
            await #expect {
                _ = try await backend.search(request)
            } throws: {
                ($0 as? TesseraError)?.code == .invalidArgument
            }
        }
    }

    @Test(arguments: [RefineEncoding.sq8, .sq16, .f16])
    func `the vector of an id is what was stored`(refine: RefineEncoding) async throws {
        let fixture = try await SearchFixture(Self.base, IndexPlan(refine: refine))
        let backend = try await open(fixture)
        for row in stride(from: 0, to: 1500, by: 97) {
            let vector = try #require(try await backend.vector(of: "v\(row)"))
            #expect(ExactSearch.distance(vector, Array(Self.base.row(row)), .l2) < 1e-3)
        }
        #expect(try await backend.vector(of: "v1500") == nil)
    }

    @Test func `the vectors of results are those of their ids, wherever the shards are`()
        async throws
    {
        let fixture = try await TieredFixture.read()
        let all = fixture.bytes[.all] ?? 0
        for (budget, residency) in [(all, Residency.all), (all, .codes), (all / 3, .all)] {
            let provider = fixture.provider(
                fixture.index.store, budget: budget, residency: residency)
            let backend = try await provider.open(index: "photos", version: 1)
            let hits = try await backend.search(fixture.request).prefix(5).flatMap(\.answer.hits)
            let vectors = try await backend.vectors(of: hits)
            #expect(hits.count == 50 && vectors.count == 50)
            for (hit, vector) in zip(hits, vectors) {
                #expect(try await backend.vector(of: hit.id) == vector)
            }
            #expect(try await backend.vectors(of: []) == [])
        }
    }

    @Test func `a version without a refine tier keeps no vectors`() async throws {
        let fixture = try await SearchFixture(Self.base, IndexPlan(refine: .none))
        let backend = try await open(fixture)
        await #expect {
            _ = try await backend.vector(of: "v1")
        } throws: {
            ($0 as? TesseraError)?.code == .unsupported
        }
    }
}
