// The conformance suite, third part: OPQ rotations.
import TesseraBase
import Testing
import VectorCore
import VectorIndex

struct BackendRotationTests {
    /// Dimensions of vectors, with a shape that covers them exactly or with padding.
    static let cases = [
        (32, ProductQuantizerShape(subquantizerCount: 8, subdimension: 4, bitsPerCode: 4)),
        (29, ProductQuantizerShape(subquantizerCount: 8, subdimension: 4, bitsPerCode: 4)),
        (24, ProductQuantizerShape(subquantizerCount: 3, subdimension: 8, bitsPerCode: 8)),
    ]

    @Test(arguments: BackendFixtures.names, cases)
    func `rotations keep lengths: R^T R is the identity`(
        _ name: String, _ example: (Int, ProductQuantizerShape)
    ) throws {
        let (dimension, shape) = example
        let rotation = try Backends.named(name).trainRotation(
            BackendFixtures.correlated(1_000, dimension), shape: shape, seed: 4)
        #expect(rotation.rows == shape.paddedDimension)
        #expect(rotation.columns == dimension)
        for left in 0..<dimension {
            for right in 0...left {
                let product = (0..<rotation.rows).reduce(0.0) {
                    $0 + Double(rotation.elements[$1 * dimension + left])
                        * Double(rotation.elements[$1 * dimension + right])
                }
                #expect(abs(product - (left == right ? 1 : 0)) < 1e-4)
            }
        }
    }

    @Test(arguments: BackendFixtures.names)
    func `a rotation lowers the error on correlated dimensions by a fifth`(_ name: String) throws {
        let backend = try Backends.named(name)
        let (dimension, shape) = BackendRotationTests.cases[0]
        let vectors = BackendFixtures.correlated(2_000, dimension)
        let rotation = try backend.trainRotation(vectors, shape: shape, seed: 4)
        let errors = try [vectors, BackendFixtures.rotated(vectors, by: rotation)].map { vectors in
            let codebooks = try backend.trainCodebooks(vectors, shape: shape, seed: 2)
            let codes = try backend.encode(vectors, with: codebooks)
            return BackendFixtures.squaredError(vectors, BackendFixtures.decode(codes, codebooks))
        }
        #expect(errors[1] < 0.8 * errors[0])
    }

    @Test(arguments: BackendFixtures.names)
    func `constant vectors have a rotation too`(_ name: String) throws {
        let same = Matrix(rows: 100, columns: 32, elements: [Float](repeating: 1, count: 3_200))
        let rotation = try Backends.named(name).trainRotation(
            same, shape: BackendRotationTests.cases[0].1, seed: 4)
        #expect(rotation.elements.allSatisfy { $0.isFinite })
    }

    @Test(arguments: BackendFixtures.names)
    func `the same arguments give the same bits, from one thread or four`(_ name: String)
        async throws
    {
        let (dimension, shape) = BackendRotationTests.cases[1]
        let vectors = BackendFixtures.correlated(500, dimension)
        @Sendable func train(_ seed: UInt64) throws -> Matrix {
            try Backends.named(name).trainRotation(vectors, shape: shape, seed: seed)
        }
        let expected = try train(9)
        #expect(try train(10) != expected)
        try await withThrowingTaskGroup(of: Matrix.self) { group in
            for _ in 0..<4 { group.addTask { try train(9) } }
            for try await rotation in group { #expect(rotation == expected) }
        }
    }
}
