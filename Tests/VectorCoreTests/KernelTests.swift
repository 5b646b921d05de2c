// Every instruction set against the scalar definition, to the last bit, at every tail length.
import TestSupport
import Testing
import VectorCore

@Suite(.serialized)
struct KernelTests {
    static let sets = ["avx2", "avx512"].filter { set in
        defer { _ = Kernels.force(instructionSet: "scalar") }
        return Kernels.force(instructionSet: set)
    }

    /// What `body` gives on the scalar kernels and on `set`, and the best set restored.
    private func both<Value>(_ set: String, _ body: () -> Value) -> (scalar: Value, other: Value) {
        let best = Kernels.instructionSet
        defer { _ = Kernels.force(instructionSet: best) }
        _ = Kernels.force(instructionSet: "scalar")
        let scalar = body()
        #expect(Kernels.force(instructionSet: set))
        return (scalar, body())
    }

    @Test("distances have the same bits on every instruction set", arguments: sets)
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
            let (scalar, other) = both(set) {
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
                        Kernels.squaredDistanceF16(b.span, row: halves.span),
                        Kernels.dotF16(b.span, row: halves.span),
                    ]
                }
                return results.map(\.bitPattern)
            }
            #expect(scalar == other, "length \(length)")
        }
    }

    @Test("kernels agree with double precision", arguments: ["scalar"] + sets)
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

    @Test("a scan finds the same rows and distances on every instruction set", arguments: sets)
    func scans(set: String) {
        var random = SeededRandom(seed: 9)
        for bits in [4, 8] {
            for (count, subquantizers) in [
                (1, 2), (31, 6), (32, 8), (33, 10), (250, 46), (97, 158),
            ] {
                for hasBias in [true, false] {
                    let list = ListScan(
                        count: count, subquantizers: subquantizers, bitsPerCode: bits,
                        hasBias: hasBias, firstRow: 1000, base: 3.5, tableStep: 0.013,
                        biasStep: 0.21)
                    let stride = ListScan.blockStride(
                        subquantizers: subquantizers, bitsPerCode: bits, hasBias: hasBias)
                    let blocks = (0..<ListScan.blockCount(count) * stride).map { _ in
                        UInt8.random(in: 0...255, using: &random)
                    }
                    let tables = (0..<subquantizers * 256).map { _ in
                        UInt8.random(in: 0...255, using: &random)
                    }
                    let threshold = median(list, blocks, tables)
                    let (scalar, other) = both(set) { scan(list, blocks, tables, threshold) }
                    #expect(scalar.rows == other.rows)
                    #expect(scalar.distances == other.distances)
                    #expect(count < 3 || scalar.rows.count < count)
                    #expect(!scalar.rows.isEmpty)
                }
            }
        }
    }

    private func median(_ list: ListScan, _ blocks: [UInt8], _ tables: [UInt8]) -> Float {
        let distances = scan(list, blocks, tables, .infinity).distances.map {
            Float(bitPattern: $0)
        }
        return distances.sorted()[distances.count / 2]
    }

    private func scan(
        _ list: ListScan, _ blocks: [UInt8], _ tables: [UInt8], _ threshold: Float
    ) -> (rows: [UInt32], distances: [UInt32]) {
        var rows = [UInt32](repeating: 0, count: list.count)
        var distances = [Float](repeating: 0, count: list.count)
        var rowOutput = rows.mutableSpan
        var distanceOutput = distances.mutableSpan
        let floats = tables.map { Float($0) * 0.37 }
        let bytes = Array(tables.prefix(list.subquantizers * 16))
        let found =
            list.bitsPerCode == 4
            ? list.scan(
                blocks: blocks.span, byteTables: bytes.span, threshold: threshold,
                rows: &rowOutput, distances: &distanceOutput)
            : list.scan(
                blocks: blocks.span, floatTables: floats.span, threshold: threshold,
                rows: &rowOutput, distances: &distanceOutput)
        return (Array(rows[..<found]), distances[..<found].map(\.bitPattern))
    }

    @Test("checksums are CRC-32C on every instruction set", arguments: ["scalar"] + sets)
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

    @Test("tables are the inner products with each codebook entry", arguments: ["scalar"] + sets)
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
