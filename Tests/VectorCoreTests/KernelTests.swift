// Every instruction set against the scalar definition, to the last bit, at every tail length.
import TestSupport
import Testing
import VectorCore

@Suite(.serialized)
struct KernelTests {
    @Test("distances have the same bits on every instruction set", arguments: InstructionSets.fast)
    func distances(set: String) {
        for length in Array(0...100) + [784, 1536] {
            let values = RandomVectors.uniform(rows: 2, columns: length, seed: UInt64(length))
            let (a, b) = (Array(values.row(0)), Array(values.row(min(1, values.rows - 1))))
            let bytes = (0..<2 * length).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ length) }
            let halves = a.flatMap { value in
                let bits = HalfFloat.encode(value)
                return [UInt8(truncatingIfNeeded: bits), UInt8(truncatingIfNeeded: bits >> 8)]
            }
            let signed = bytes.prefix(length).map { Int8(bitPattern: $0) }
            let row = Array(bytes.prefix(length))
            let lower = Array(bytes.suffix(length))
            let (scalar, other) = InstructionSets.compare(set) {
                var dots = [Float](repeating: 0, count: 1)
                var output = dots.mutableSpan
                if length > 0 { Kernels.dots(a.span, rows: signed.span, into: &output) }
                var results = [
                    Kernels.squaredDistance(a.span, b.span), Kernels.dot(a.span, b.span), dots[0],
                ]
                if length > 0 {
                    results += [
                        Kernels.squaredDistanceSQ8(shifted: a.span, step: b.span, row: row.span),
                        Kernels.dotSQ8(scaled: a.span, row: row.span),
                        Kernels.squaredDistanceSQ16(
                            shifted: a.span, step: b.span, high: row.span, low: lower.span),
                        Kernels.dotSQ16(scaled: a.span, high: row.span, low: lower.span),
                        Kernels.squaredDistanceF16(b.span, row: halves.span),
                        Kernels.dotF16(b.span, row: halves.span),
                    ]
                }
                return results.map(\.bitPattern)
            }
            #expect(scalar == other, "length \(length)")
        }
    }

    @Test("kernels agree with double precision", arguments: ["scalar"] + InstructionSets.fast)
    func oracle(set: String) {
        let values = RandomVectors.uniform(rows: 2, columns: 321, seed: 5)
        let (a, b) = (Array(values.row(0)), Array(values.row(1)))
        let best = Kernels.instructionSet
        defer { _ = Kernels.force(instructionSet: best) }
        _ = Kernels.force(instructionSet: set)
        let distance = Double(Kernels.squaredDistance(a.span, b.span))
        #expect(abs(distance - ExactSearch.distance(a, b, .l2)) < 1e-4)
        let dot = Double(Kernels.dot(a.span, b.span))
        #expect(abs(dot + ExactSearch.distance(a, b, .innerProduct)) < 1e-4)
    }

    @Test(
        "checksums are CRC-32C on every instruction set",
        arguments: ["scalar"] + InstructionSets.fast)
    func checksums(set: String) {
        let best = Kernels.instructionSet
        defer { _ = Kernels.force(instructionSet: best) }
        _ = Kernels.force(instructionSet: set)
        // RFC 3720, appendix B.4, and the customary check value.
        #expect(Kernels.crc32c(Array("123456789".utf8)) == 0xE306_9283)
        #expect(Kernels.crc32c([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(Kernels.crc32c([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
        #expect(Kernels.crc32c(Array(UInt8(0)..<32)) == 0x46DD_794E)
        #expect(Kernels.crc32c([UInt8]()) == 0)
    }

    @Test(
        "tables are the inner products with each codebook entry",
        arguments: ["scalar"] + InstructionSets.fast)
    func tables(set: String) {
        let best = Kernels.instructionSet
        defer { _ = Kernels.force(instructionSet: best) }
        _ = Kernels.force(instructionSet: set)
        let query = RandomVectors.uniform(rows: 1, columns: 15, seed: 1).elements
        let books = RandomVectors.uniform(rows: 15, columns: 16, seed: 2)
        var tables = [Float](repeating: 0, count: 3 * 16)
        var output = tables.mutableSpan
        Kernels.tables(
            query: query.span, codebooks: books.elements.span, subquantizers: 3, centroids: 16,
            into: &output)
        for subquantizer in 0..<3 {
            for centroid in 0..<16 {
                let expected = (0..<5).reduce(Float(0)) { sum, offset in
                    let row = subquantizer * 5 + offset
                    return sum + query[row] * books.elements[row * 16 + centroid]
                }
                #expect(tables[subquantizer * 16 + centroid] == expected)
            }
        }
    }
}
