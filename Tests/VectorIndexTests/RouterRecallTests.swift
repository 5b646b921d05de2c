// The two-level router at its intended size, compared with a single level.
import Foundation
import TestSupport
import Testing
import VectorCore
import VectorIndex

struct RouterRecallTests {
    private static let shards = 20_000
    private static let wanted = 10
    /// Centroids placed like the cells of a real partition: adjacent, with varying density, and in
    /// far fewer dimensions than they are given in.
    private static let all: Matrix = {
        let (rows, inner) = (shards + 100, 24)
        let places = RandomVectors.clustered(rows: rows, columns: inner, clusters: 300, seed: 9)
        let spread = RandomVectors.uniform(rows: rows, columns: inner, seed: 10)
        let map = RandomVectors.uniform(rows: 96, columns: inner, seed: 11)
        var result = Matrix(rows: rows, columns: 96)
        for row in 0..<rows {
            let point = zip(places.row(row), spread.row(row)).map { $0 + 0.7 * $1 }
            for column in 0..<96 {
                result.elements[row * 96 + column] = Kernels.dot(
                    map.row(column).span, point.span)
            }
        }
        return result
    }()
    private static let router = Router(
        centroids: all.gathering(Array(0..<shards)), transform: .padding(from: 96, to: 96))
    private static let queries = all.gathering(Array(shards..<all.rows))
    /// So many lists that no shard is skipped for its distance: that rule is not under test.
    private static let lists = 1_000_000

    private static func offered(
        _ index: RouterIndex, _ arena: inout QueryArena, _ query: Int
    ) -> [Int] {
        let routed = arena.route(queries.row(query), index, wanted: wanted, lists: lists)
        let offered = (0..<routed.offeredCount).map { routed.offeredShard($0) }
        routed.finish(&arena)
        return offered
    }

    @Test func `two levels offer the shards that one level does, among 20,000`() {
        let truth = ExactSearch.nearest(
            Self.queries, in: Self.router.centroids, k: Self.wanted, metric: .l2)
        var arena = QueryArena()
        var found: [Double] = []
        var nearest: [Double] = []
        for largestFlat in [Self.shards, RouterIndex.largestFlat] {
            let index = RouterIndex(Self.router, metric: .l2, largestFlat: largestFlat)
            var offers: [[Int]] = []
            let time = ContinuousClock().measure {
                for query in 0..<Self.queries.rows {
                    offers.append(Self.offered(index, &arena, query))
                }
            }
            report(largestFlat == Self.shards ? "one level" : "two levels", time)
            #expect(offers.allSatisfy { $0.count == Self.wanted && Set($0).count == Self.wanted })
            found.append(ExactSearch.recall(offers, truth))
            nearest.append(ExactSearch.recall(offers, truth.map { Array($0.prefix(1)) }))
        }
        report("recall of \(Self.wanted) shards, of the nearest", found + nearest)
        // One level rounds centroids to bytes; two levels also miss shards of groups that are not
        // probed.
        #expect(found[0] > 0.95 && nearest[0] > 0.99)
        #expect(found[1] > found[0] - 0.05 && nearest[1] > nearest[0] - 0.01)
    }

    /// Prints the figures of docs/search-notes.md, if asked to measure.
    private func report(_ what: String, _ value: some Any) {
        guard ProcessInfo.processInfo.environment["TESSERA_MEASURE"] != nil else { return }
        let each = (value as? Duration).map { "\($0 / Self.queries.rows) a query" } ?? "\(value)"
        FileHandle.standardError.write(Data("\(what): \(each)\n".utf8))
    }
}
