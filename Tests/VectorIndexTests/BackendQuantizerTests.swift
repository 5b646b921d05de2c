// The conformance suite, second part: product quantizers.
import TesseraBase
import Testing
import VectorCore
import VectorIndex

struct BackendQuantizerTests {
    /// Both code widths, narrow and wide subspaces, and M that is not a multiple of a SIMD width.
    static let shapes = [
        ProductQuantizerShape(subquantizerCount: 6, subdimension: 4, bitsPerCode: 4),
        ProductQuantizerShape(subquantizerCount: 2, subdimension: 20, bitsPerCode: 4),
        ProductQuantizerShape(subquantizerCount: 8, subdimension: 1, bitsPerCode: 4),
        ProductQuantizerShape(subquantizerCount: 3, subdimension: 4, bitsPerCode: 8),
        ProductQuantizerShape(subquantizerCount: 1, subdimension: 17, bitsPerCode: 8),
    ]

    @Test(arguments: BackendFixtures.names, shapes)
    func `codes lie below the centroid count, one a byte`(
        _ name: String, _ shape: ProductQuantizerShape
    ) throws {
        let backend = try Backends.named(name)
        let vectors = BackendFixtures.clustered(600, shape.paddedDimension, clusters: 40)
        let codebooks = try backend.trainCodebooks(vectors, shape: shape, seed: 2)
        #expect(codebooks.shape == shape)
        #expect(codebooks.centroids.allSatisfy { $0.isFinite })
        let codes = try backend.encode(vectors, with: codebooks)
        #expect(codes.count == 600 * shape.subquantizerCount)
        #expect(codes.allSatisfy { Int($0) < shape.centroidCount })
        #expect(Set(codes).count > shape.centroidCount / 2)
    }

    @Test(
        arguments: BackendFixtures.names,
        shapes)
    func `encode picks the nearest centroid of each subspace`(
        _ name: String, _ shape: ProductQuantizerShape
    ) throws {
        let backend = try Backends.named(name)
        let vectors = BackendFixtures.clustered(400, shape.paddedDimension, clusters: 40)
        let codebooks = try backend.trainCodebooks(vectors, shape: shape, seed: 2)
        let codes = try backend.encode(vectors, with: codebooks)
        for subquantizer in 0..<shape.subquantizerCount {
            let book = BackendFixtures.book(codebooks, subquantizer)
            for row in stride(from: 0, to: vectors.rows, by: 3) {
                let start = row * vectors.columns + subquantizer * shape.subdimension
                let part = vectors.elements[start..<start + shape.subdimension]
                let code = Int(codes[row * shape.subquantizerCount + subquantizer])
                let chosen = BackendFixtures.squaredDistance(part, book.row(code))
                #expect(chosen <= BackendFixtures.leastDistance(part, book) + 1e-6)
            }
        }
    }

    @Test(arguments: BackendFixtures.names)
    func `training halves the error of codebooks drawn at random`(_ name: String) throws {
        let backend = try Backends.named(name)
        let vectors = BackendFixtures.clustered(3_000, 32, clusters: 12)
        // 8 subspaces of 16 centroids and 12 clusters: training can give each cluster its own
        // centroid, random choice cannot.
        let shape = ProductQuantizerShape(subquantizerCount: 8, subdimension: 4, bitsPerCode: 4)
        let trained = try backend.trainCodebooks(vectors, shape: shape, seed: 2)
        var random = SeededRandom(seed: 3)
        let drawn = Codebooks(
            shape: shape,
            centroids: (0..<trained.centroids.count).map { _ in BackendFixtures.uniform(&random) })
        let errors = try [trained, drawn].map { codebooks in
            let codes = try backend.encode(vectors, with: codebooks)
            return BackendFixtures.squaredError(vectors, BackendFixtures.decode(codes, codebooks))
        }
        #expect(errors[0] < 0.5 * errors[1])
    }

    @Test(arguments: BackendFixtures.names, shapes)
    func `a vector's code does not depend on its batch`(
        _ name: String, _ shape: ProductQuantizerShape
    ) throws {
        let backend = try Backends.named(name)
        let vectors = BackendFixtures.clustered(300, shape.paddedDimension, clusters: 40)
        let codebooks = try backend.trainCodebooks(vectors, shape: shape, seed: 2)
        let whole = try backend.encode(vectors, with: codebooks)
        for row in [0, 1, 150, 299] {
            let alone = try backend.encode(vectors.gathering([row]), with: codebooks)
            let width = shape.subquantizerCount
            #expect(alone == Array(whole[row * width..<(row + 1) * width]))
        }
        #expect(try backend.encode(vectors.gathering([]), with: codebooks).isEmpty)
    }

    @Test(arguments: BackendFixtures.names)
    func `identical residuals end, and decode to themselves`(_ name: String) throws {
        let backend = try Backends.named(name)
        let shape = ProductQuantizerShape(subquantizerCount: 2, subdimension: 2, bitsPerCode: 8)
        for value: Float in [0, 0.5] {
            let same = Matrix(
                rows: 300, columns: 4, elements: [Float](repeating: value, count: 1_200))
            let codebooks = try backend.trainCodebooks(same, shape: shape, seed: 2)
            let decoded = BackendFixtures.decode(
                try backend.encode(same, with: codebooks), codebooks)
            #expect(BackendFixtures.squaredError(same, decoded) < 1e-3)
        }
    }

    @Test(arguments: BackendFixtures.names)
    func `the same arguments give the same bits, from one thread or four`(_ name: String)
        async throws
    {
        let vectors = BackendFixtures.clustered(800, 24)
        let shape = BackendQuantizerTests.shapes[0]
        @Sendable func train(_ seed: UInt64) throws -> (Codebooks, [UInt8]) {
            let backend = try Backends.named(name)
            let codebooks = try backend.trainCodebooks(vectors, shape: shape, seed: seed)
            return (codebooks, try backend.encode(vectors, with: codebooks))
        }
        let expected = try train(9)
        #expect(try train(10).0 != expected.0)
        try await withThrowingTaskGroup(of: (Codebooks, [UInt8]).self) { group in
            for _ in 0..<4 { group.addTask { try train(9) } }
            for try await result in group { #expect(result == expected) }
        }
    }
}
