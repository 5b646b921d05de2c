// How near the mock comes to Faiss: what makes it fit to stand in for it.
#if Faiss
    import Testing
    import TesseraBase
    import VectorCore
    import VectorIndex

    struct FaissParityTests {
        private let backends: [any IndexBackend] = [MockBackend(), FaissBackend()]

        private func ratio(_ measure: (any IndexBackend) throws -> Double) rethrows -> Double {
            let values = try backends.map(measure)
            return values[0] / values[1]
        }

        @Test("k-means objectives lie within 5%")
        func centroids() throws {
            for clusters in [5, 60] {
                let vectors = BackendFixtures.clustered(4_000, 32, clusters: clusters)
                let ratio = try ratio { backend in
                    let centroids = try backend.trainCentroids(
                        vectors, count: 64, iterations: 10, seed: 1)
                    return BackendFixtures.objective(vectors, centroids)
                }
                #expect(abs(ratio - 1) < 0.05)
            }
        }

        @Test("product quantizer errors lie within 5%")
        func codebooks() throws {
            let vectors = BackendFixtures.clustered(4_000, 32, clusters: 60)
            for (count, width, bits) in [(16, 2, 4), (8, 4, 8)] {
                let shape = ProductQuantizerShape(
                    subquantizerCount: count, subdimension: width, bitsPerCode: bits)
                let ratio = try ratio { backend in
                    let codebooks = try backend.trainCodebooks(vectors, shape: shape, seed: 1)
                    let codes = try backend.encode(vectors, with: codebooks)
                    return BackendFixtures.squaredError(
                        vectors, BackendFixtures.decode(codes, codebooks))
                }
                #expect(abs(ratio - 1) < 0.05)
            }
        }

        @Test("rotations lower the error alike, within 10%")
        func rotations() throws {
            let vectors = BackendFixtures.correlated(3_000, 32)
            let shape = ProductQuantizerShape(
                subquantizerCount: 8, subdimension: 4, bitsPerCode: 4)
            let ratio = try ratio { backend in
                let rotation = try backend.trainRotation(vectors, shape: shape, seed: 1)
                let rotated = BackendFixtures.rotated(vectors, by: rotation)
                let codebooks = try backend.trainCodebooks(rotated, shape: shape, seed: 1)
                let codes = try backend.encode(rotated, with: codebooks)
                return BackendFixtures.squaredError(
                    rotated, BackendFixtures.decode(codes, codebooks))
            }
            #expect(abs(ratio - 1) < 0.1)
        }

        @Test("the two assign and encode alike, up to ties in the last bits")
        func agreement() throws {
            let vectors = BackendFixtures.clustered(3_000, 32, clusters: 60)
            let centroids = vectors.gathering(Array(0..<100))
            let labels = try backends.map { try $0.assign(vectors, to: centroids).labels }
            let equal = zip(labels[0], labels[1]).count { $0 == $1 }
            #expect(equal >= 2_997)
            let shape = ProductQuantizerShape(
                subquantizerCount: 8, subdimension: 4, bitsPerCode: 4)
            let codebooks = try backends[0].trainCodebooks(vectors, shape: shape, seed: 1)
            let codes = try backends.map { try $0.encode(vectors, with: codebooks) }
            #expect(zip(codes[0], codes[1]).count { $0 == $1 } >= 3_000 * 8 - 24)
        }
    }
#endif
