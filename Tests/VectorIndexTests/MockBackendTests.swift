// The promise of the mock backend alone: the same bits on every machine, pinned here.
import TesseraBase
import Testing
import VectorCore
import VectorIndex

struct MockBackendTests {
    /// FNV-1a over bit patterns.
    private func digest(_ values: [Float]) -> UInt64 {
        values.reduce(0xCBF2_9CE4_8422_2325) { hash, value in
            (hash ^ UInt64(value.bitPattern)) &* 0x0000_0100_0000_01B3
        }
    }

    @Test func `results are pinned: raise the identity's version when they change`() throws {
        let backend = MockBackend()
        #expect(backend.identity == BackendIdentity(name: "mock", version: "1"))
        let vectors = BackendFixtures.clustered(500, 12)
        let shape = ProductQuantizerShape(subquantizerCount: 4, subdimension: 3, bitsPerCode: 4)
        let centroids = try backend.trainCentroids(vectors, count: 20, iterations: 6, seed: 1)
        let codebooks = try backend.trainCodebooks(vectors, shape: shape, seed: 1)
        let rotation = try backend.trainRotation(vectors, shape: shape, seed: 1)
        #expect(digest(centroids.elements) == 0xC848_6B09_2891_5D69)
        #expect(digest(codebooks.centroids) == 0xD842_9889_269F_4C0F)
        #expect(digest(rotation.elements) == 0x8242_D3B6_F02C_ED07)
    }

    @Test func `distances are the plain sum over dimensions, bit for bit`() throws {
        let vectors = BackendFixtures.clustered(40, 37, seed: 1)
        let centroids = BackendFixtures.clustered(21, 37, seed: 2)
        let found = try MockBackend().assign(vectors, to: centroids)
        for row in 0..<vectors.rows {
            var best: (label: UInt32, distance: Float) = (0, .infinity)
            for centroid in 0..<centroids.rows {
                var sum: Float = 0
                for (left, right) in zip(vectors.row(row), centroids.row(centroid)) {
                    let difference = left - right
                    sum += difference * difference
                }
                if sum < best.distance { best = (UInt32(centroid), sum) }
            }
            #expect(found.labels[row] == best.label)
            #expect(found.distances[row] == best.distance)
        }
    }
}
