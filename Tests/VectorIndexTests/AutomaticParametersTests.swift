// The rules that choose parameters, at their limits.
import Testing
import VectorIndex

struct AutomaticParametersTests {
    @Test(arguments: [
        (1, 1), (38, 1), (80, 2), (624, 16), (10_000, 96), (50_000, 224), (75_000, 272),
    ])
    func `lists of a shard`(vectors: Int, expected: Int) {
        #expect(AutomaticParameters.listCount(vectors: vectors) == expected)
    }

    @Test(arguments: [
        (36, 9), (96, 24), (100, 25), (255, 63), (256, 64), (384, 64), (512, 64), (519, 64),
        (520, 65), (784, 98), (3072, 384),
    ])
    func
        `codes and bias bytes take at most a quarter of a byte a dimension up to 64 bytes, then an eighth`(
            dimension: Int, bytes: Int
        )
    {
        #expect(AutomaticParameters.codeBudget(dimension: dimension) == bytes)
    }

    @Test(arguments: [
        1, 2, 3, 7, 16, 25, 50, 64, 96, 97, 100, 128, 200, 255, 256, 257, 300, 384, 511, 512,
        520, 768, 784, 1024, 1536, 3072,
    ])
    func `the quantizer is the finest that keeps to the budget; 8 bytes of code are always allowed`(
        dimension: Int
    ) {
        let shape = AutomaticParameters.quantizer(dimension: dimension)
        let allowed = max(8, AutomaticParameters.codeBudget(dimension: dimension) - 1)
        #expect(shape.paddedDimension >= dimension)
        #expect(shape.subquantizerCount.isMultiple(of: 2))
        #expect(shape.codeSize <= allowed)
        guard shape.subdimension > 1 else { return }
        let finer = shape.subdimension - 1
        #expect((dimension + finer - 1) / finer > 2 * allowed)
    }

    @Test(arguments: [
        (32, 16, 2), (64, 22, 3), (96, 32, 3), (128, 44, 3), (256, 86, 3), (384, 96, 4),
        (512, 104, 5), (768, 154, 5), (784, 158, 5), (1536, 308, 5),
    ])
    func `subquantizers and their dimensions at usual dimensions`(
        dimension: Int, subquantizers: Int, subdimension: Int
    ) {
        let shape = AutomaticParameters.quantizer(dimension: dimension)
        #expect(shape.subquantizerCount == subquantizers)
        #expect(shape.subdimension == subdimension)
    }

    @Test(arguments: [(96, 24, 4), (784, 98, 4), (128, 32, 8), (97, 10, 8)])
    func `an asked code size is met or undercut`(dimension: Int, bytes: Int, bits: Int) {
        let shape = AutomaticParameters.quantizer(
            dimension: dimension, bitsPerCode: bits, codeSize: bytes)
        #expect(shape.codeSize <= bytes && shape.codeSize * 5 >= bytes * 4)
        #expect(shape.bitsPerCode == bits)
    }

    @Test func `probes stay within what there is`() {
        for lists in [1, 5, 16, 100, 5000, 5_000_000] {
            let probes = AutomaticParameters.probeCount(totalLists: lists, hasMargin: false)
            #expect(probes >= min(lists, 16) && probes <= lists)
            #expect(
                AutomaticParameters.probeShards(shards: 3, totalLists: lists, probeCount: probes)
                    <= 3)
        }
    }
}
