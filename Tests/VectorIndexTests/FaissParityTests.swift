// The mock backend's quality is close to Faiss's, so that it can replace Faiss in tests.
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

        @Test func `k-means objectives lie within 5%`() throws {
            for clusters in [5, 60] {
                let vectors = BackendFixtures.clustered(4_000, 32, clusters: clusters)
                let ratio = try ratio { backend in
                    // Several seeds: with about as many clusters as centroids, the local minimum of
                    // a single run is random.
                    try (UInt64(1)...8).reduce(0) { sum, seed in
                        let centroids = try backend.trainCentroids(
                            vectors, count: 64, iterations: 10, seed: seed)
                        let distances = try backend.assign(vectors, to: centroids).distances
                        return sum + distances.reduce(0) { $0 + Double($1) }
                    }
                }
                #expect((0.95...1.05).contains(ratio))
            }
        }

        @Test func `product quantizer errors lie within 5%`() throws {
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
                #expect((0.95...1.05).contains(ratio))
            }
        }

        @Test func `the mock's rotations are as good as Faiss's, within 10%`() throws {
            let vectors = BackendFixtures.correlated(3_000, 32)
            let shape = ProductQuantizerShape(
                subquantizerCount: 8, subdimension: 4, bitsPerCode: 4)
            let ratio = try ratio { backend in
                try (UInt64(1)...4).reduce(0) { sum, seed in
                    let rotation = try backend.trainRotation(vectors, shape: shape, seed: seed)
                    let rotated = BackendFixtures.rotated(vectors, by: rotation)
                    let codebooks = try backend.trainCodebooks(rotated, shape: shape, seed: 1)
                    let codes = try backend.encode(rotated, with: codebooks)
                    let decoded = BackendFixtures.decode(codes, codebooks)
                    return sum + BackendFixtures.squaredError(rotated, decoded)
                }
            }
            // One-sided: double precision and complete Lloyd runs often end at lower error than
            // Faiss.
            #expect(ratio < 1.1)
        }

        @Test func `the two assign and encode alike, up to ties in the last bits`() throws {
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
