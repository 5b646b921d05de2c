// Every instruction set against the scalar definition, to the last bit, at every tail length.
import TestSupport
import Testing
import VectorCore

@Suite(.serialized)
struct KernelTests {
    @Test(arguments: InstructionSets.fast)
    func `distances have the same bits on every instruction set`(set: String) {
        for length in Array(0...100) + [784, 1536] {
            let values = RandomVectors.uniform(rows: 2, columns: length, seed: UInt64(length))
            let (a, b) = (Array(values.row(0)), Array(values.row(min(1, values.rows - 1))))
            let bytes = (0..<2 * length).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ length) }
            let halves = a.flatMap { value in
                let bits = HalfFloat.encode(value)
                return [UInt8(truncatingIfNeeded: bits), UInt8(truncatingIfNeeded: bits >> 8)]
            }
            let row = Array(bytes.prefix(length))
            let lower = Array(bytes.suffix(length))
            let (scalar, other) = InstructionSets.compare(set) {
                [
                    Kernels.squaredDistance(a.span, b.span), Kernels.dot(a.span, b.span),
                    SearchKernels.squaredDistanceSQ8(a, b, row, length),
                    SearchKernels.dotSQ8(a, row, length),
                    SearchKernels.squaredDistanceSQ16(a, b, row, lower, length),
                    SearchKernels.dotSQ16(a, row, lower, length),
                    SearchKernels.squaredDistanceF16(b, halves, length),
                    SearchKernels.dotF16(b, halves, length),
                ].map(\.bitPattern)
            }
            #expect(scalar == other, "length \(length)")
        }
    }

    @Test(arguments: InstructionSets.all)
    func `kernels agree with double precision`(set: String) {
        let values = RandomVectors.uniform(rows: 2, columns: 321, seed: 5)
        let (a, b) = (Array(values.row(0)), Array(values.row(1)))
        let (distance, dot) = InstructionSets.on(set) {
            (Kernels.squaredDistance(a.span, b.span), Kernels.dot(a.span, b.span))
        }
        #expect(abs(Double(distance) - ExactSearch.distance(a, b, .l2)) < 1e-4)
        #expect(abs(Double(dot) + ExactSearch.distance(a, b, .innerProduct)) < 1e-4)
    }

    @Test(arguments: InstructionSets.all)
    func `checksums are CRC-32C on every instruction set`(set: String) {
        InstructionSets.on(set) {
            // RFC 3720, appendix B.4, and the customary check value.
            #expect(Kernels.crc32c(Array("123456789".utf8)) == 0xE306_9283)
            #expect(Kernels.crc32c([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
            #expect(Kernels.crc32c([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
            #expect(Kernels.crc32c(Array(UInt8(0)..<32)) == 0x46DD_794E)
            #expect(Kernels.crc32c([UInt8]()) == 0)
        }
    }

    @Test(arguments: InstructionSets.all)
    func `tables are the inner products with each codebook entry`(set: String) {
        let query = RandomVectors.uniform(rows: 1, columns: 15, seed: 1).elements
        let books = RandomVectors.uniform(rows: 15, columns: 16, seed: 2).elements
        let tables = InstructionSets.on(set) {
            var tables = [Float](repeating: 0, count: 3 * 16)
            SearchKernels.tables(
                query, codebooks: books, subquantizers: 3, subdimension: 5, centroids: 16,
                into: &tables)
            return tables
        }
        for subquantizer in 0..<3 {
            for centroid in 0..<16 {
                let expected = (0..<5).reduce(Float(0)) { sum, offset in
                    let row = subquantizer * 5 + offset
                    return sum + query[row] * books[row * 16 + centroid]
                }
                #expect(tables[subquantizer * 16 + centroid] == expected)
            }
        }
    }
}
