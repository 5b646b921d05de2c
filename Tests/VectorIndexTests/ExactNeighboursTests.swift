// The exact neighbours that recall is measured with, compared with an independent oracle.
import TestSupport
import Testing
import VectorCore
import VectorIndex

struct ExactNeighboursTests {
    @Test(arguments: Metric.allCases)
    func `the nearest are those of brute force in double precision`(_ metric: Metric) throws {
        var base = RandomVectors.clustered(rows: 900, columns: 24, clusters: 5, seed: 3)
        var queries = RandomVectors.clustered(rows: 20, columns: 24, clusters: 5, seed: 4)
        if metric.normalises {
            try normalise(&base, firstRow: 0, file: "base")
            try normalise(&queries, firstRow: 0, file: "queries")
        }
        let truth = ExactSearch.nearest(queries, in: base, k: 10, metric: metric)
        // Two halves, added separately and in the wrong order.
        let unseen = ExactNeighbours(queries: queries, ownIDs: nil, metric: metric)
        var (first, second) = (unseen, unseen)
        first.add(base.gathering(Array(450..<900))) { UInt64(450 + $0) }
        second.add(base.gathering(Array(0..<450))) { UInt64($0) }
        first.merge(second)
        #expect(first.neighbours(10).map { $0.map(Int.init) } == truth)
    }

    @Test func `a query is no neighbour of its own, and rows left out are none`() {
        let base = Matrix(rows: 5, columns: 1, elements: [0, 1, 2, 3, 4])
        var exact = ExactNeighbours(
            queries: base.gathering([0, 4]), ownIDs: [0, 4], metric: .l2)
        exact.add(base) { $0 == 1 ? nil : UInt64($0) }
        #expect(exact.neighbours(2) == [[2, 3], [3, 2]])
    }

    @Test func `all that are as far as the k-th count, and no more`() {
        let base = Matrix(rows: 5, columns: 1, elements: [1, -1, 1, 2, 0])
        var exact = ExactNeighbours(
            queries: Matrix(rows: 1, columns: 1, elements: [0]), ownIDs: nil, metric: .l2)
        exact.add(base) { UInt64($0) }
        #expect(exact.neighbours(2) == [[4, 0, 1, 2]])
        #expect(exact.neighbours(1) == [[4]])
        #expect(exact.neighbours(9) == [[4, 0, 1, 2, 3]])
    }
}
