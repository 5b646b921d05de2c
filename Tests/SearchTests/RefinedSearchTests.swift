// With all lists and candidates, a search is an exact search over the refine tier.
import Catalog
import Indexer
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

struct RefinedSearchTests {
    @Test(
        arguments: Metric.allCases,
        [RefineEncoding.sq8, .sq16, .f16])
    func `all lists and all rows give the exact answer over the refine tier`(
        metric: Metric, refine: RefineEncoding
    ) async throws {
        let base = RandomVectors.clustered(rows: 1500, columns: 13, clusters: 20, seed: 3)
        let fixture = try await SearchFixture(base, IndexPlan(metric: metric, refine: refine))
        let searchers = [try await fixture.load(.codes), try await fixture.load(.all)]
        let shards = try await fixture.shards()
        #expect(shards.count > 2)
        let queries = try SearchFixture.queries(
            RandomVectors.clustered(rows: 20, columns: 13, clusters: 20, seed: 3), metric)
        var scratch = SearchScratch()
        for query in 0..<queries.rows {
            let hits = try searchers[query % 2].search(
                queries.row(query), options: fixture.everywhere(k: 25), scratch: &scratch
            ).hits
            let expected = try oracle(queries.row(query), shards, metric).prefix(25)
            #expect(hits.map(\.place) == expected.map(\.place))
            #expect(hits.map(\.distance) == expected.map { metric.reported($0.distance) })
            for hit in hits {
                let shard = shards[hit.place.shard]
                #expect(try hit.id == shard.id(hit.place.row))
                let decoded = try shard.head.refine.decode(shard.refineRow(hit.place.row))
                let inDouble = kernelDistance(Array(queries.row(query)), decoded, metric)
                #expect(abs(Double(hit.distance) - inDouble) < 1e-4)
            }
        }
    }

    /// All rows of all shards, ordered by distance, then by place.
    private func oracle(_ query: ArraySlice<Float>, _ shards: [OpenedShard], _ metric: Metric)
        throws -> [(place: NumericID, distance: Float)]
    {
        var rows: [(place: NumericID, distance: Float)] = []
        for shard in shards {
            let prepared = RefineOracle(query, tier: shard.head.refine, metric: metric)
            for row in 0..<shard.head.vectorCount {
                let bytes = try shard.refineRow(row)
                rows.append((shard.place(row), prepared.distance(Array(bytes))))
            }
        }
        return rows.sorted { ($0.distance, $0.place) < ($1.distance, $1.place) }
    }

    /// Distance as reported. For cosine it is half the squared distance, since decoded vectors are
    /// not exactly of unit length.
    private func kernelDistance(_ query: [Float], _ vector: [Float], _ metric: Metric) -> Double {
        metric == .cosine
            ? ExactSearch.distance(query, vector, .l2) / 2
            : ExactSearch.distance(query, vector, metric)
    }

    @Test(
        arguments: PartitionMode.allCases,
        [4, 8])
    func `duplicates of one vector come back ordered by place`(partition: PartitionMode, bits: Int)
        async throws
    {
        var base = RandomVectors.clustered(rows: 900, columns: 12, clusters: 9, seed: 8)
        for row in stride(from: 0, to: 900, by: 20) {
            base.elements.replaceSubrange(row * 12..<(row + 1) * 12, with: Array(base.row(0)))
        }
        let fixture = try await SearchFixture(
            base, IndexPlan(bits: bits, shardSize: 250, partition: partition))
        let searcher = try await fixture.load()
        var scratch = SearchScratch()
        let hits = try searcher.search(
            base.row(0), options: fixture.everywhere(k: 45), scratch: &scratch
        ).hits
        let equals = Set(stride(from: 0, to: 900, by: 20).map { "v\($0)" })
        for (one, next) in zip(hits, hits.dropFirst()) {
            #expect((one.distance, one.place) < (next.distance, next.place))
        }
        // Each shard has its own 8-bit steps, so distances of copies in different shards may differ
        // in the last bits.
        #expect(Set(hits.map(\.id)) == equals)
    }

    @Test func `a receipt counts what was done`() async throws {
        let base = RandomVectors.clustered(rows: 2000, columns: 16, clusters: 30, seed: 4)
        let fixture = try await SearchFixture(base, IndexPlan())
        let searcher = try await fixture.load()
        let shards = try await fixture.shards()
        var scratch = SearchScratch()
        var clear = 0
        for query in 0..<20 {
            // Refine depth is large enough that the threshold excludes no list from the start.
            var options = SearchOptions(
                k: 10, probeCount: 7, listMargin: nil, refineDepth: 2000, probeShards: shards.count)
            let receipt = try searcher.search(
                base.row(query * 90), options: options, scratch: &scratch
            ).receipt
            options.refineDepth = 50
            let shallow = try searcher.search(
                base.row(query * 90), options: options, scratch: &scratch
            ).receipt
            let (lists, isClear) = nearestLists(base.row(query * 90), shards, count: 7)
            guard isClear else { continue }
            clear += 1
            let codes = lists.reduce(0) { $0 + shards[$1.shard].head.lists[$1.row].count }
            #expect(receipt.codesScanned == codes)
            #expect(receipt.listsScanned == 7)
            #expect(receipt.shardsOffered == shards.count)
            #expect(receipt.shardsTouched == Set(lists.map(\.shard)).count)
            #expect(receipt.rowsRefined == codes)
            #expect(shallow.listsScanned + shallow.listsSkipped == 7)
            #expect(shallow.codesScanned <= codes && shallow.rowsRefined == min(50, codes))
            #expect(receipt.reads > 0 && receipt.bytesRead >= receipt.rowsRefined * (16 + 4))
        }
        #expect(clear >= 15)
        let everything = try searcher.search(
            base.row(0), options: fixture.everywhere(k: 10), scratch: &scratch
        ).receipt
        #expect(everything.codesScanned == 2000)
        #expect(everything.rowsRefined == 2000)
    }

    @Test(arguments: [Float(0.05), 0.2, 0.6])
    func `a margin leaves out the lists that are much farther than the nearest`(_ margin: Float)
        async throws
    {
        let base = RandomVectors.clustered(rows: 4000, columns: 24, clusters: 3, seed: 8)
        let fixture = try await SearchFixture(base, IndexPlan(shardSize: 1000))
        let searcher = try await fixture.load()
        let shards = try await fixture.shards()
        var scratch = SearchScratch()
        var left = 0
        for query in 0..<20 {
            let vector = Array(base.row(query * 190))
            let options = SearchOptions(
                k: 10, probeCount: 30, listMargin: margin, refineDepth: 4000,
                probeShards: shards.count)
            let receipt = try searcher.search(vector[...], options: options, scratch: &scratch)
                .receipt
            let distances = shards.flatMap { shard in
                let centroids = shard.head.model.centroids
                return (0..<centroids.rows).map {
                    ExactSearch.distance(vector, Array(centroids.row($0)), .l2)
                }
            }.sorted()
            // Only the nearest shard's spread is used; those of the others are similar.
            let spreads = shards.map { Double(spread($0)) }
            func lists(within share: Double) -> Int {
                let spread = share < 1 ? spreads.min() ?? 0 : spreads.max() ?? 0
                let farthest =
                    distances[0] + share * Double(margin) * (distances[0] + spread)
                return min(30, distances.prefix { $0 <= farthest }.count)
            }
            // Coarse distances are products of bytes, so they are off by a few percent of a margin.
            #expect(receipt.listsScanned >= min(lists(within: 0.8), 30), "query \(query)")
            #expect(receipt.listsScanned <= lists(within: 1.25), "query \(query)")
            left += 30 - receipt.listsScanned
        }
        #expect(left > 0)
    }

    /// The mean squared norm of the decoded residuals of a shard.
    private func spread(_ shard: OpenedShard) -> Float {
        let books = shard.head.model.codebooks
        return books.centroids.reduce(0) { $0 + $1 * $1 } / Float(books.shape.centroidCount)
    }

    /// The nearest lists. The result is clear if the next list is farther by more than the rounding
    /// of coarse distances.
    private func nearestLists(_ query: ArraySlice<Float>, _ shards: [OpenedShard], count: Int)
        -> (lists: [NumericID], isClear: Bool)
    {
        let lists = shards.flatMap { shard in
            let centroids = shard.head.model.centroids
            return (0..<centroids.rows).map { list in
                (
                    ExactSearch.distance(Array(query), Array(centroids.row(list)), .l2),
                    NumericID(shard: shard.ordinal, row: list)
                )
            }
        }
        let sorted = lists.sorted { $0 < $1 }
        return (sorted.prefix(count).map(\.1), sorted[count].0 > 1.005 * sorted[count - 1].0)
    }
}
