// The conformance suite, last part: arguments that every backend refuses, and names of backends.
import TesseraBase
import Testing
import VectorCore
import VectorIndex

struct BackendArgumentTests {
    private let vectors = BackendFixtures.clustered(100, 8)
    private let shape = ProductQuantizerShape(subquantizerCount: 4, subdimension: 2, bitsPerCode: 4)

    private func expectInvalid(_ work: () throws -> Void) {
        #expect { try work() } throws: { ($0 as? TesseraError)?.code == .invalidArgument }
    }

    @Test(arguments: BackendFixtures.names)
    func `fewer vectors than centroids are refused`(_ name: String) throws {
        let backend = try Backends.named(name)
        let wide = ProductQuantizerShape(subquantizerCount: 4, subdimension: 2, bitsPerCode: 8)
        expectInvalid {
            _ = try backend.trainCentroids(vectors, count: 101, iterations: 5, seed: 1)
        }
        expectInvalid { _ = try backend.trainCodebooks(vectors, shape: wide, seed: 1) }
        expectInvalid { _ = try backend.trainRotation(vectors, shape: wide, seed: 1) }
    }

    @Test(arguments: BackendFixtures.names)
    func `shapes that do not fit are refused`(_ name: String) throws {
        let backend = try Backends.named(name)
        let narrow = BackendFixtures.clustered(100, 7)
        let codebooks = try backend.trainCodebooks(vectors, shape: shape, seed: 1)
        expectInvalid { _ = try backend.trainCentroids(vectors, count: 0, iterations: 5, seed: 1) }
        expectInvalid { _ = try backend.trainCentroids(vectors, count: 5, iterations: 0, seed: 1) }
        expectInvalid { _ = try backend.assign(narrow, to: vectors) }
        expectInvalid { _ = try backend.assign(vectors, to: Matrix(rows: 0, columns: 8)) }
        expectInvalid { _ = try backend.trainCodebooks(narrow, shape: shape, seed: 1) }
        expectInvalid { _ = try backend.encode(narrow, with: codebooks) }
        expectInvalid {
            _ = try backend.trainRotation(
                BackendFixtures.clustered(100, 9), shape: shape, seed: 1)
        }
    }

    @Test(arguments: BackendFixtures.names)
    func `product quantizers of odd shapes are refused`(_ name: String) throws {
        let backend = try Backends.named(name)
        for (count, width, bits) in [(4, 2, 5), (0, 8, 4), (8, 0, 4), (1, 8, 4)] {
            let shape = ProductQuantizerShape(
                subquantizerCount: count, subdimension: width, bitsPerCode: bits)
            expectInvalid { _ = try backend.trainCodebooks(vectors, shape: shape, seed: 1) }
        }
    }

    @Test(arguments: BackendFixtures.names)
    func `vectors that are not finite are refused by row`(_ name: String) throws {
        let backend = try Backends.named(name)
        for value: Float in [.nan, .infinity, -.infinity] {
            var broken = vectors
            broken.elements[42 * 8 + 3] = value
            #expect {
                _ = try backend.trainCentroids(broken, count: 5, iterations: 5, seed: 1)
            } throws: {
                ($0 as? TesseraError)?.message.hasPrefix("vector 42 ") == true
            }
            expectInvalid { _ = try backend.assign(broken, to: vectors) }
            expectInvalid { _ = try backend.trainCodebooks(broken, shape: shape, seed: 1) }
        }
    }

    @Test func `backends are found by name, and the default is one of them`() throws {
        for backend in Backends.available {
            #expect(try Backends.named(backend.identity.name).identity == backend.identity)
        }
        #expect(Backends.available.map(\.identity).contains(Backends.default.identity))
        expectInvalid { _ = try Backends.named("hnsw") }
    }

    #if Faiss
        @Test func `faiss is the default where it is built in, and tells its version`() throws {
            #expect(Backends.default.identity.name == "faiss")
            #expect(Backends.default.identity.version.hasPrefix("1."))
        }
    #else
        @Test func `a build without faiss says how to get it`() throws {
            #expect(Backends.default.identity.name == "mock")
            #expect {
                _ = try Backends.named("faiss")
            } throws: {
                guard let error = $0 as? TesseraError else { return false }
                return error.code == .unsupported && error.message.contains("--traits Faiss")
            }
        }
    #endif
}
