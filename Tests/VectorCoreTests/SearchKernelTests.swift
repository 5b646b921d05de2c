// The kernels of the query path: every instruction set against the scalar definition, and the
// definition against plain arithmetic.
import TestSupport
import Testing
import VectorCore

extension KernelTests {
    @Test(arguments: InstructionSets.fast, [4, 8])
    func `a scan finds the same rows and distances on every instruction set`(set: String, bits: Int)
    {
        for example in ScanExample.all(bits: bits) {
            let threshold = example.median
            let (scalar, other) = InstructionSets.compare(set) {
                example.scan(threshold: threshold)
            }
            #expect(scalar == other)
            #expect(example.count < 3 || scalar.rows.count < example.count)
            #expect(!scalar.rows.isEmpty)
        }
    }

    @Test(arguments: InstructionSets.fast)
    func `a narrow scan finds the same rows and distances on every instruction set`(set: String) {
        for example in ScanExample.all(bits: 4) {
            for (factor, biasFactor, limit) in [
                (40, 9, 254), (300, 100, 120), (32_766, 32_767, 254), (1, 0, 0),
            ] {
                let steps = NarrowSteps(
                    factor: Int16(factor), biasFactor: Int16(biasFactor), limit: UInt8(limit))
                let (scalar, other) = InstructionSets.compare(set) { example.scanNarrow(steps) }
                #expect(scalar == other)
                #expect(scalar == example.expectedNarrow(steps))
            }
        }
    }

    @Test(arguments: InstructionSets.all)
    func `tables keep their order and extent when they are quantized`(set: String) {
        let tables = RandomVectors.uniform(rows: 6, columns: 16, seed: 3).elements
        var packed = [Int16](repeating: 7, count: SearchKernels.quantizedCount(subquantizers: 6))
        let (offset, step) = InstructionSets.on(set) {
            SearchKernels.quantize(tables, subquantizers: 6, into: &packed)
        }
        let steps = tables.indices.map { packed[place($0 / 16, $0 % 16)] }
        #expect((6..<8).allSatisfy { m in (0..<16).allSatisfy { packed[place(m, $0)] == 0 } })
        let minima = (0..<6).map { tables[$0 * 16..<$0 * 16 + 16].min()! }
        #expect(abs(offset - minima.reduce(0, +)) < 1e-6)
        #expect(steps.max() == 4095)
        for (index, value) in tables.enumerated() {
            #expect(abs(minima[index / 16] + step * Float(steps[index]) - value) <= step * 0.501)
        }
        var flat = [Int16](repeating: 1, count: 64)
        let extent = InstructionSets.on(set) {
            SearchKernels.quantize([Float](repeating: 2, count: 16), subquantizers: 1, into: &flat)
        }
        #expect(extent == (2, 1))
        #expect(flat.allSatisfy { $0 == 0 })
    }

    @Test(arguments: InstructionSets.fast, [1, 3, 4, 31, 33, 96, 130])
    func `queries and centroids in bytes give the same on every instruction set`(
        set: String, width: Int
    ) {
        let queries = RandomVectors.uniform(rows: 2, columns: width, seed: UInt64(width))
        for groups in [1, 3, 4, 9] {
            let example = RankExample(width: width, groups: groups)
            let (scalar, other) = InstructionSets.compare(set) {
                example.rank(Array(queries.row(0)), origin: Array(queries.row(1)))
            }
            #expect(scalar == other)
            #expect(
                scalar.distances.enumerated().allSatisfy {
                    abs($1 - example.expected(scalar, $0)) < 1e-3
                })
        }
    }

    @Test(
        arguments: InstructionSets.all,
        [1, 15, 16, 17, 100])
    func `the smallest values are selected in order`(set: String, count: Int) {
        let values = RandomVectors.uniform(rows: 1, columns: (count + 15) / 16 * 16, seed: 7)
            .elements
        var indices = [UInt32](repeating: 0, count: count + 16)
        var selected = [Float](repeating: 0, count: count + 16)
        var minima = [Float](repeating: 0, count: values.count / 16)
        let found = InstructionSets.on(set) {
            SearchKernels.groupMinima(values, groups: minima.count, into: &minima)
            return SearchKernels.selectBelow(
                values, count: count, threshold: 0.4, indices: &indices, selected: &selected)
        }
        let expected = (0..<count).filter { values[$0] <= 0.4 }
        #expect(indices[..<found].map(Int.init) == expected)
        #expect(Array(selected[..<found]) == expected.map { values[$0] })
        #expect(minima == (0..<minima.count).map { values[16 * $0..<16 * $0 + 16].min()! })
    }
}

extension KernelTests {
    @Test(arguments: InstructionSets.all, [1, 15, 16, 17, 100, 333])
    func `the n-th smallest is found in values with ties, infinities and what is no number`(
        set: String, count: Int
    ) {
        var values = RandomVectors.uniform(rows: 1, columns: count, seed: 5).elements.map {
            ($0 * 64).rounded() / 8 - 4
        }
        for (place, odd) in [Float.infinity, -.infinity, .nan, -.nan].enumerated()
        where place * 7 + 3 < count {
            values[place * 7 + 3] = odd
        }
        let sorted = values.filter { !$0.isNaN }.sorted()
        for place in 1...count {
            let found = InstructionSets.on(set) {
                SearchKernels.smallest(values, count: count, place: place)
            }
            #expect(found == (place <= sorted.count ? sorted[place - 1] : .infinity))
        }
    }

    @Test(arguments: InstructionSets.all, [1, 7, 8, 9, 24, 100])
    func `the smallest keys come in ascending order`(set: String, count: Int) {
        var random = SeededRandom(seed: 4)
        var keys = (0..<count).map { _ in UInt64.random(in: 0...UInt64.max, using: &random) }
        keys[0] = .max
        for wanted in [1, count / 2, count] where wanted > 0 {
            var sorted = [UInt64](repeating: 0, count: wanted)
            InstructionSets.on(set) {
                SearchKernels.sort(keys, count: count, wanted: wanted, into: &sorted)
            }
            #expect(sorted == Array(keys.sorted()[..<wanted]))
        }
    }

    @Test(arguments: InstructionSets.all, [1, 31, 32, 33, 96, 130])
    func `many stored rows have the distances that each has alone`(set: String, width: Int) {
        let best = Kernels.instructionSet
        defer { _ = Kernels.force(instructionSet: best) }
        let floats = RandomVectors.uniform(rows: 2, columns: width, seed: 6)
        let (shifted, step) = (Array(floats.row(0)), Array(floats.row(1)))
        var random = SeededRandom(seed: 8)
        let bytes = (0..<10 * width).map { _ in UInt8.random(in: 0...255, using: &random) }
        func distances(whole: Bool) -> [Float] {
            var distances = [Float](repeating: 0, count: 5)
            shifted.withUnsafeBufferPointer { shifted in
                step.withUnsafeBufferPointer { step in
                    bytes.withUnsafeBufferPointer { bytes in
                        let rows = (0..<5).map { row in
                            StoredRow(
                                shifted: shifted.baseAddress!, step: step.baseAddress!,
                                high: bytes.baseAddress! + row * width,
                                low: whole ? bytes.baseAddress! + (5 + row) * width : nil)
                        }
                        SearchKernels.squaredDistances(
                            rows, count: 5, width: width, whole: whole, into: &distances)
                    }
                }
            }
            return distances
        }
        _ = Kernels.force(instructionSet: set)
        let found = [false, true].map(distances)
        _ = Kernels.force(instructionSet: "scalar")
        #expect(found == [false, true].map(distances))
        for row in 0..<5 {
            let alone = SearchKernels.squaredDistanceSQ8(
                shifted, step, Array(bytes[row * width..<(row + 1) * width]), width)
            #expect(found[0][row] == alone)
        }
    }

    @Test(arguments: InstructionSets.all, [1, 3, 4, 5, 9])
    func `queries that rank together get what each gets alone`(set: String, count: Int) {
        let queries = RandomVectors.uniform(rows: count, columns: 31, seed: 3)
        let origin = [Float](repeating: 0.5, count: 31)
        for groups in [1, 4, 5] {
            let example = RankExample(width: 31, groups: groups)
            let alone = InstructionSets.on("scalar") {
                (0..<count).map { example.rank(Array(queries.row($0)), origin: origin) }
            }
            let together = InstructionSets.on(set) { example.rankTogether(alone) }
            #expect(together == alone.map(\.distances))
        }
    }

    @Test(arguments: InstructionSets.all, [1, 3, 4, 31, 33, 96, 130])
    func
        `a product with one centroid among sixteen is that with its bytes, whatever the instruction set`(
            set: String, width: Int
        )
    {
        let query = RandomVectors.uniform(rows: 1, columns: width, seed: 2).elements
        let example = RankExample(width: width, groups: 2)
        for centroid in [0, 5, 31] {
            let exact = (0..<width).reduce(0.0) {
                $0 + Double(query[$1]) * Double(example.code(centroid, $1))
            }
            let start = centroid / 16 * example.words * 64 + centroid % 16 * 4
            let (scalar, other) = InstructionSets.compare(set) {
                SearchKernels.dot(query, centroid: Array(example.codes[start...]), width)
            }
            #expect(scalar.bitPattern == other.bitPattern)
            #expect(abs(Double(other) - exact) <= 1e-3 * Double(width))
        }
    }
}

/// Offset of an entry of quantized tables, as the header documents it.
private func place(_ subquantizer: Int, _ entry: Int) -> Int {
    subquantizer / 4 * 64 + entry / 8 * 32 + subquantizer % 4 * 8 + entry % 8
}

/// A list of random codes and what a scan of it found.
private struct ScanExample {
    struct Found: Equatable {
        let rows: [UInt32]
        let distances: [UInt32]
    }

    let count: Int
    let subquantizers: Int
    let bits: Int
    let hasBias: Bool
    let blocks: [UInt8]
    let bytes: [UInt8]

    static func all(bits: Int) -> [ScanExample] {
        var random = SeededRandom(seed: 9)
        return [(1, 2), (31, 6), (32, 8), (33, 10), (250, 46), (97, 158)].flatMap {
            count, subquantizers in
            [true, false].map { hasBias in
                let stride = ListScan.blockStride(
                    subquantizers: subquantizers, bitsPerCode: bits, hasBias: hasBias)
                return ScanExample(
                    count: count, subquantizers: subquantizers, bits: bits, hasBias: hasBias,
                    blocks: (0..<ListScan.blockCount(count) * stride).map { _ in
                        UInt8.random(in: 0...255, using: &random)
                    },
                    bytes: (0..<subquantizers * 256).map { _ in
                        UInt8.random(in: 0...255, using: &random)
                    })
            }
        }
    }

    /// A threshold that half of the list is within.
    var median: Float {
        let distances = scan(threshold: .infinity).distances.map { Float(bitPattern: $0) }
        return distances.sorted()[distances.count / 2]
    }

    func scan(threshold: Float) -> Found {
        run { list, output in
            bits == 4
                ? list.scan(
                    byteTables: Array(bytes.prefix(subquantizers * 16)), threshold: threshold,
                    output)
                : list.scan(
                    floatTables: bytes.map { Float($0) * 0.37 }, threshold: threshold, output)
        }
    }

    private func narrowTable(_ subquantizer: Int, _ entry: Int) -> Int16 {
        Int16(bytes[16 * subquantizer + entry]) * 16
    }

    private var narrowTables: [Int16] {
        var tables = [Int16](
            repeating: 0, count: SearchKernels.quantizedCount(subquantizers: subquantizers))
        for subquantizer in 0..<subquantizers {
            for entry in 0..<16 {
                tables[place(subquantizer, entry)] = narrowTable(subquantizer, entry)
            }
        }
        return tables
    }

    func scanNarrow(_ steps: NarrowSteps) -> Found {
        var scratch = [UInt8](repeating: 0, count: 32 * subquantizers + 64)
        return run { list, output in
            list.scanNarrow(tables: narrowTables, steps, scratch: &scratch, output)
        }
    }

    /// What the header says a narrow scan finds.
    func expectedNarrow(_ steps: NarrowSteps) -> Found {
        let tables = (0..<16 * subquantizers).map { index in
            min(255, (Int(narrowTable(index / 16, index % 16)) * Int(steps.factor) + 0x4000) >> 15)
        }
        let stride = ListScan.blockStride(
            subquantizers: subquantizers, bitsPerCode: 4, hasBias: hasBias)
        var rows: [UInt32] = []
        var distances: [UInt32] = []
        for index in 0..<count {
            let block = index / 32 * stride
            var sum = 0
            for pair in 0..<subquantizers / 2 {
                let byte = Int(blocks[block + pair * 32 + index % 32])
                sum += tables[pair * 32 + byte % 16] + tables[pair * 32 + 16 + byte / 16]
            }
            if hasBias {
                let bias = Int(blocks[block + subquantizers * 16 + index % 32])
                sum += (bias * Int(steps.biasFactor) + 128) >> 8
            }
            guard min(255, sum) <= Int(steps.limit) else { continue }
            rows.append(1000 + UInt32(index))
            distances.append((Float(3.5) + Float(0.013) * Float(sum)).bitPattern)
        }
        return Found(rows: rows, distances: distances)
    }

    private func run(_ body: (ListScan, ScanOutput) -> Int) -> Found {
        var rows = [UInt32](repeating: 0, count: count + 16)
        var distances = [Float](repeating: 0, count: count + 16)
        let found = blocks.withUnsafeBufferPointer { blocks in
            rows.withUnsafeMutableBufferPointer { rows in
                distances.withUnsafeMutableBufferPointer { distances in
                    body(
                        ListScan(
                            blocks: blocks.baseAddress!, next: nil, count: count,
                            subquantizers: subquantizers,
                            bitsPerCode: bits, hasBias: hasBias, firstRow: 1000, base: 3.5,
                            tableStep: 0.013,
                            biasStep: 0.21),
                        ScanOutput(rows: rows.baseAddress!, distances: distances.baseAddress!))
                }
            }
        }
        return Found(rows: Array(rows[..<found]), distances: distances[..<found].map(\.bitPattern))
    }
}

/// Random centroids in bytes.
private struct RankExample {
    struct Ranked: Equatable {
        let shifted: [Float]
        let bytes: [UInt8]
        let step: Float
        let norm: Float
        let distances: [Float]
    }

    let width: Int
    let groups: Int
    let codes: [Int8]
    let norms: [Float]

    init(width: Int, groups: Int) {
        var random = SeededRandom(seed: UInt64(width * groups))
        self.width = width
        self.groups = groups
        let words = (width + 3) / 4
        codes = (0..<groups * words * 64).map { index in
            // Dimensions that fill up the last word are zeros.
            index / 64 % words * 4 + index % 4 < width
                ? Int8.random(in: -127...127, using: &random) : 0
        }
        norms = (0..<16 * groups).map { Float($0) * 0.25 }
    }

    var words: Int { (width + 3) / 4 }

    func code(_ centroid: Int, _ dimension: Int) -> Int {
        Int(
            codes[
                centroid / 16 * words * 64 + dimension / 4 * 64 + centroid % 16 * 4 + dimension % 4]
        )
    }

    func rank(_ query: [Float], origin: [Float]) -> Ranked {
        var shifted = [Float](repeating: 0, count: width)
        var bytes = [UInt8](repeating: 0, count: 4 * words)
        let (step, norm) = SearchKernels.prepare(
            query, origin: origin, count: width, shifted: &shifted, bytes: &bytes)
        let corrections = (0..<16 * groups).map { centroid in
            Int32(-128 * (0..<width).reduce(0) { $0 + code(centroid, $1) })
        }
        var distances = [Float](repeating: 0, count: 16 * groups)
        codes.withUnsafeBufferPointer { codes in
            corrections.withUnsafeBufferPointer { corrections in
                norms.withUnsafeBufferPointer { norms in
                    let block = CentroidBlock(
                        codes: codes.baseAddress!, corrections: corrections.baseAddress!,
                        norms: norms.baseAddress!,
                        groups: groups, words: words)
                    SearchKernels.rank(
                        block, query: bytes, scale: 0.01 * step, constant: 2, into: &distances)
                }
            }
        }
        return Ranked(shifted: shifted, bytes: bytes, step: step, norm: norm, distances: distances)
    }

    /// The distances of queries ranked before, all in one call.
    func rankTogether(_ queries: [Ranked]) -> [[Float]] {
        let corrections = (0..<16 * groups).map { centroid in
            Int32(-128 * (0..<width).reduce(0) { $0 + code(centroid, $1) })
        }
        let outputs = queries.map { _ in
            UnsafeMutablePointer<Float>.allocate(capacity: 16 * groups)
        }
        let bytes = queries.map { query in
            let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: 4 * words)
            for (index, byte) in query.bytes.enumerated() { copy[index] = byte }
            return copy
        }
        defer {
            for output in outputs { output.deallocate() }
            for copy in bytes { copy.deallocate() }
        }
        let rankings = queries.indices.map { index in
            CentroidRanking(
                query: bytes[index], scale: 0.01 * queries[index].step, constant: 2,
                output: outputs[index])
        }
        codes.withUnsafeBufferPointer { codes in
            corrections.withUnsafeBufferPointer { corrections in
                norms.withUnsafeBufferPointer { norms in
                    SearchKernels.rank(
                        CentroidBlock(
                            codes: codes.baseAddress!, corrections: corrections.baseAddress!,
                            norms: norms.baseAddress!, groups: groups, words: words), rankings)
                }
            }
        }
        return outputs.map { Array(UnsafeBufferPointer(start: $0, count: 16 * groups)) }
    }

    /// The header's sum, from the bytes as they came out.
    func expected(_ ranked: Ranked, _ centroid: Int) -> Float {
        let product = (0..<width).reduce(0) {
            $0 + (Int(ranked.bytes[$1]) - 128) * code(centroid, $1)
        }
        return norms[centroid] + 2 + 0.01 * ranked.step * Float(product)
    }
}
