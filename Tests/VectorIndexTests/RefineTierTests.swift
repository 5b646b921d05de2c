// Distances to refine rows, compared with those to the decoded vectors.
import TestSupport
import Testing
import VectorCore
import VectorIndex

struct RefineTierTests {
    @Test(arguments: [RefineEncoding.sq8, .sq16, .f16], Metric.allCases)
    func `distances to rows are those to the decoded vectors`(
        encoding: RefineEncoding, metric: Metric
    ) {
        let vectors = RandomVectors.uniform(rows: 50, columns: 37, seed: 1)
        let queries = RandomVectors.uniform(rows: 3, columns: 37, seed: 2)
        let tier = RefineTier.fitted(to: vectors, encoding: encoding, integral: false)
        for query in 0..<queries.rows {
            let prepared = RefineOracle(queries.row(query), tier: tier, metric: metric)
            for row in 0..<vectors.rows {
                let bytes = tier.encode(vectors.row(row))
                let decoded = tier.decode(bytes[...])
                let kernelMetric: Metric = metric == .innerProduct ? .innerProduct : .l2
                let expected = ExactSearch.distance(
                    Array(queries.row(query)), decoded, kernelMetric)
                #expect(abs(Double(prepared.distance(bytes)) - expected) < 1e-3)
                #expect(bytes.count == encoding.rowSize(dimension: 37))
            }
        }
    }

    @Test func `8 and 16 bits are within half a step, halves within their precision`() {
        let vectors = RandomVectors.uniform(rows: 200, columns: 16, seed: 4)
        for (encoding, bound) in [(RefineEncoding.sq8, 0.0041), (.sq16, 0.000017), (.f16, 0.0005)] {
            let tier = RefineTier.fitted(to: vectors, encoding: encoding, integral: false)
            for row in 0..<vectors.rows {
                let decoded = tier.decode(tier.encode(vectors.row(row))[...])
                for (value, back) in zip(vectors.row(row), decoded) {
                    #expect(abs(value - back) <= Float(bound))
                }
            }
        }
    }

    @Test func `bytes come back exactly`() {
        let elements = (0..<512).map { Float($0 % 256) - 128 }
        let vectors = Matrix(rows: 256, columns: 2, elements: elements)
        let tier = RefineTier.fitted(to: vectors, encoding: .sq8, integral: true)
        for row in 0..<256 {
            #expect(tier.decode(tier.encode(vectors.row(row))[...]) == Array(vectors.row(row)))
        }
    }

    @Test func `a dimension without extent costs nothing and divides by nothing`() {
        let vectors = Matrix(rows: 2, columns: 2, elements: [5, 1, 5, 2])
        let tier = RefineTier.fitted(to: vectors, encoding: .sq8, integral: false)
        #expect(tier.decode(tier.encode(vectors.row(0))[...]) == [5, 1])
    }
}
