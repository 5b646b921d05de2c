// Searches with a row filter: no way to search returns an excluded row, all ways give the same
// answer, and a filter that includes every row changes nothing.
import Catalog
import ObjectStore
import Search
import SearchFixtures
import SearchTypes
import ShardFile
import TesseraBase
import TestSupport
import Testing
import VectorCore
import VectorIndex

/// The rows a test's filter includes.
enum RowSet: String, Sendable, CaseIterable {
    case all, half, few, none, oneShard, blocks

    /// A filter over the shards of an index; `oneShard` leaves the other shards without a set.
    func filter(_ vectors: [Int]) -> RowFilter {
        var random = SeededRandom(seed: 77, stream: 0)
        var rows: [Int: [Bool]] = [:]
        for (ordinal, count) in vectors.enumerated() where self != .oneShard || ordinal == 0 {
            rows[ordinal] = (0..<count).map { row in
                switch self {
                case .all: true
                case .half, .oneShard: random.next() % 2 == 0
                case .few: random.next() % 50 == 0
                case .none: false
                case .blocks: row / 64 % 2 == 0
                }
            }
        }
        return RowFilter(rows: rows)
    }
}

struct RowFilterTests {
    static let vectors = RandomVectors.clustered(rows: 3000, columns: 20, clusters: 40, seed: 5)
    static let queries = RandomVectors.clustered(rows: 70, columns: 20, clusters: 40, seed: 6)
    static let plans: [IndexPlan] = [
        IndexPlan(refine: .sq16), IndexPlan(metric: .innerProduct, refine: .f16),
        IndexPlan(metric: .cosine, refine: .sq8, bits: 8, rotation: true), IndexPlan(refine: .none),
    ]

    /// An index and the ways to search it.
    private struct Ways {
        let fixture: SearchFixture
        let queries: Matrix
        let options: SearchOptions
        let pool = WorkPool(width: 2)

        init(_ plan: IndexPlan) async throws {
            fixture = try await SearchFixture(RowFilterTests.vectors, plan)
            queries = try SearchFixture.queries(RowFilterTests.queries, plan.metric)
            var options = fixture.defaults(k: 10)
            options.refineDepth = 60
            self.options = options
        }

        var vectors: [Int] { fixture.manifest.index.shards.map(\.vectors) }

        func hits(
            _ searcher: some VersionSearcher, _ filter: RowFilter?, batch: Int
        ) async throws -> [[Hit]] {
            try await searcher.search(
                queries, options: options, filter: filter, pool: pool, batch: batch
            ).answers.map(\.hits)
        }

        /// Hits of every way to search with Tessera's engine, by name.
        func all(_ filter: RowFilter?) async throws -> [(way: String, hits: [[Hit]])] {
            let (codes, whole) = (try await fixture.load(.codes), try await fixture.load(.all))
            let cold = try await ColdSearcher(
                fixture.manifest, from: fixture.catalog, pool: pool)
            return [
                ("one by one, rows read", try await hits(codes, filter, batch: 1)),
                ("one by one, in memory", try await hits(whole, filter, batch: 1)),
                ("in batches, rows read", try await hits(codes, filter, batch: 70)),
                ("in batches, in memory", try await hits(whole, filter, batch: 70)),
                ("cold", try await hits(cold, filter, batch: 4)),
                ("leaf, in memory", try await leaf(filter, budget: .max)),
                ("leaf, on disk", try await leaf(filter, budget: 0)),
            ]
        }

        /// Hits of a leaf as a worker has it, with one leaf request per query.
        func leaf(_ filter: RowFilter?, budget: Int) async throws -> [[Hit]] {
            let objects = try VersionObjects(fixture.manifest.index, from: fixture.catalog)
            let cache = ShardCache(budget: budget, pool: pool)
            let shards = VersionShards(objects, residency: .all)
            cache.open(shards)
            let source = ShardSource(
                objects, pool: pool, budget: 1 << 20, cache: cache, shards: shards)
            let (leaf, chooser) = (
                Leaf(source, pool: pool), try await ListChooser(source, pool: pool)
            )
            if budget > 0 { _ = try await leaf.prepare(Array(0..<objects.shardCount)) }
            var receipt = Receipt()
            let choices = try await chooser.choose(queries, options, &receipt)
            let request = PartsRequest(
                index: "photos", version: 1, k: options.k, refineDepth: options.refineDepth,
                timeout: nil, queries: queries,
                transformed: choices[0].transformed.map { first in
                    Matrix(
                        rows: queries.rows, columns: first.count,
                        elements: choices.flatMap { $0.transformed ?? [] })
                },
                parts: choices.enumerated().map {
                    SearchPart(query: $0, shards: $1.shards, lists: $1.lists)
                })
            try leaf.check(request)
            if budget > 0 {
                let here = try #require(
                    try leaf.searchHere(request, filter: filter, deadline: nil))
                return here.map(\.answer.hits)
            }
            return try await leaf.search(request, filter: filter, deadline: nil)
                .map(\.answer.hits)
        }
    }

    @Test(arguments: plans, RowSet.allCases)
    func `all ways to search give one answer without excluded rows`(plan: IndexPlan, set: RowSet)
        async throws
    {
        let ways = try await Ways(plan)
        let filter = set.filter(ways.vectors)
        let found = try await ways.all(filter)
        for (way, hits) in found {
            #expect(hits == found[0].hits, "\(way), \(plan.metric), \(set)")
            #expect(hits.joined().allSatisfy { filter.includes($0.place) }, "\(way), \(set)")
        }
        if set == .all {
            let unfiltered = try await ways.all(nil)
            #expect(found[0].hits == unfiltered[0].hits)
        }
        if set == .none { #expect(found[0].hits.joined().isEmpty) }
        if set == .half { #expect(found[0].hits.allSatisfy { $0.count == 10 }) }
    }

    @Test(arguments: RowSet.allCases)
    func `a search of all lists finds the nearest of the included rows`(set: RowSet) async throws {
        let fixture = try await SearchFixture(Self.vectors, IndexPlan(refine: .f16))
        let vectors = fixture.manifest.index.shards.map(\.vectors)
        let filter = set.filter(vectors)
        // Input row by place; external ids are "v<input row>".
        var rowOf: [NumericID: Int] = [:]
        for shard in try await fixture.shards() {
            for row in 0..<shard.head.vectorCount {
                rowOf[shard.place(row)] = Int(try shard.id(row).dropFirst())
            }
        }
        let counting = rowOf.filter { filter.includes($0.key) }.map(\.value).sorted()
        let found = try await fixture.load(.all).search(
            Self.queries, options: fixture.everywhere(k: 10), filter: filter,
            pool: WorkPool(width: 2), batch: 32)
        let subset = Self.vectors.gathering(counting)
        let truth =
            counting.isEmpty
            ? Self.queries.rowsOfNothing
            : ExactSearch.nearest(Self.queries, in: subset, k: min(10, counting.count), metric: .l2)
        var shared = 0
        for (answer, nearest) in zip(found.answers, truth) {
            let wanted = Set(nearest.map { "v\(counting[$0])" })
            #expect(answer.hits.count == wanted.count)
            shared += wanted.intersection(answer.hits.map(\.id)).count
        }
        // Half floats may swap neighbours at nearly equal distances.
        #expect(Double(shared) >= 0.995 * Double(truth.reduce(0) { $0 + $1.count }))
    }

    #if Faiss
        @Test(arguments: RowSet.allCases)
        func `Faiss as the maker of candidates returns no excluded row`(set: RowSet) async throws {
            let ways = try await Ways(IndexPlan(refine: .sq16))
            let filter = set.filter(ways.vectors)
            let own = try await ways.fixture.load(.all)
            let faiss = try await FaissSearcher(own, pool: ways.pool)
            let hits = try await ways.hits(faiss, filter, batch: 8)
            #expect(hits.joined().allSatisfy { filter.includes($0.place) })
            let expected = try await ways.hits(own, filter, batch: 8)
            #expect(hits.map(\.count) == expected.map(\.count))
            if set == .all {
                let unfiltered = try await ways.hits(faiss, nil, batch: 8)
                #expect(hits == unfiltered)
            }
        }
    #endif
}

extension Matrix {
    /// An empty list of neighbours for each row.
    fileprivate var rowsOfNothing: [[Int]] { [[Int]](repeating: [], count: rows) }
}
