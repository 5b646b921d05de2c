// A small shard made by hand, no backend needed: 100 vectors of 6 dimensions in lists of 70, 0 and
// 30.
import ShardFile
import TesseraBase
import TestSupport
import VectorCore
import VectorIndex

enum ShardFixture {
    static let dimension = 6

    static func contents(
        metric: Metric = .l2, refine: RefineEncoding = .sq8, bits: Int = 4
    ) -> ShardContents {
        let shape = ProductQuantizerShape(subquantizerCount: 4, subdimension: 2, bitsPerCode: bits)
        let model = ShardModel(
            origin: [0.5, -0.5, 1, -1, 2, -2, 0, 0], centroidStep: 0.25,
            centroidCodes: (0..<24).map { Int8($0 * 5 - 60) },
            codebooks: Codebooks(
                shape: shape,
                centroids: (0..<8 * shape.centroidCount).map { Float($0 % 97) / 64 - 0.75 }))
        let vectors = Matrix(
            rows: 100, columns: dimension,
            elements: (0..<600).map { Float(($0 * 7919) % 1000) / 500 - 1 })
        let lists = [Array(0..<70), [], Array(70..<100)].map { members in
            EncodedList(
                members: members,
                codes: members.flatMap { member in
                    (0..<4).map { UInt8((member * 31 + $0 * 7) % shape.centroidCount) }
                },
                bias: metric == .innerProduct ? [] : members.map { UInt8($0 * 2) },
                biasOffset: metric == .innerProduct ? 0 : -1.5,
                biasStep: metric == .innerProduct ? 0 : 0.125)
        }
        return ShardContents(
            metric: metric, vectors: vectors, encoded: EncodedShard(model: model, lists: lists),
            refine: .fitted(to: vectors, encoding: refine, integral: false),
            ids: (0..<100).map { Array("photos/2026/\($0)-ä.jpg".utf8) })
    }

    static func image(_ contents: ShardContents = contents()) throws(TesseraError) -> ContainerImage
    {
        try ShardWriter.write(contents)
    }
}

extension ContainerImage {
    /// The bytes a reader fetches to open the object.
    var tail: [UInt8] { Array(bytes[Int(open.lowerBound)...]) }
}
