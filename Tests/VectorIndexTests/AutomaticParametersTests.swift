// The rules that compute parameters, at their edges.
import Testing
import VectorIndex

struct AutomaticParametersTests {
    @Test(
        "lists of a shard",
        arguments: [
            (1, 1), (38, 1), (80, 2), (624, 16), (10_000, 96), (50_000, 224), (75_000, 272),
        ])
    func lists(vectors: Int, expected: Int) {
        #expect(AutomaticParameters.listCount(vectors: vectors) == expected)
    }

    @Test(
        "codes and bias bytes take at most 1/32 of the float32 vector, and never under 8 bytes of code",
        arguments: [
            1, 2, 3, 7, 16, 25, 50, 64, 96, 97, 100, 128, 200, 300, 384, 768, 784, 1024, 1536, 3072,
        ])
    func quantizer(dimension: Int) {
        let shape = AutomaticParameters.quantizer(dimension: dimension)
        #expect(shape.paddedDimension >= dimension)
        #expect(shape.subquantizerCount.isMultiple(of: 2))
        #expect(shape.codeSize + 1 <= max(9, dimension / 8))
        if dimension >= 96 { #expect(shape.codeSize + 1 > dimension / 11) }
    }

    @Test(
        "an asked code size is met or undercut",
        arguments: [(96, 24, 4), (784, 98, 4), (128, 32, 8), (97, 10, 8)])
    func codeSize(dimension: Int, bytes: Int, bits: Int) {
        let shape = AutomaticParameters.quantizer(
            dimension: dimension, bitsPerCode: bits, codeSize: bytes)
        #expect(shape.codeSize <= bytes && shape.codeSize * 5 >= bytes * 4)
        #expect(shape.bitsPerCode == bits)
    }

    @Test("probes stay within what there is")
    func probes() {
        for lists in [1, 5, 16, 100, 5000, 5_000_000] {
            let probes = AutomaticParameters.probeCount(totalLists: lists, hasMargin: false)
            #expect(probes >= min(lists, 16) && probes <= lists)
            #expect(
                AutomaticParameters.probeShards(shards: 3, totalLists: lists, probeCount: probes)
                    <= 3)
        }
    }
}
