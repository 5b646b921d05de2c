// The conformance suite, first part: k-means and assignment. Every backend of the build runs it.
import TesseraBase
import Testing
import VectorCore
import VectorIndex

struct BackendClusteringTests {
    private let vectors = BackendFixtures.clustered(2_000, 24)

    @Test(arguments: BackendFixtures.names)
    func `k-means gives the shape asked for and leaves no cluster empty`(_ name: String) throws {
        let backend = try Backends.named(name)
        for count in [1, 2, 17, 50] {
            let centroids = try backend.trainCentroids(
                vectors, count: count, iterations: 8, seed: 3)
            #expect(centroids.rows == count)
            #expect(centroids.columns == 24)
            let labels = try backend.assign(vectors, to: centroids).labels
            #expect(Set(labels).count == count)
        }
    }

    @Test(arguments: BackendFixtures.names)
    func `one centroid is the mean`(_ name: String) throws {
        let centroid = try Backends.named(name).trainCentroids(
            vectors, count: 1, iterations: 3, seed: 3)
        for column in 0..<24 {
            let mean =
                (0..<vectors.rows).reduce(0.0) {
                    $0 + Double(vectors.elements[$1 * 24 + column])
                } / Double(vectors.rows)
            #expect(abs(Double(centroid.elements[column]) - mean) < 1e-4)
        }
    }

    @Test(arguments: BackendFixtures.names)
    func `k-means ends far below a random sample's objective`(_ name: String) throws {
        let trained = try Backends.named(name).trainCentroids(
            vectors, count: 20, iterations: 10, seed: 3)
        var random = SeededRandom(seed: 5)
        let sample = vectors.gathering(random.sample(20, below: vectors.rows))
        let best = BackendFixtures.objective(vectors, trained)
        #expect(best < 0.8 * BackendFixtures.objective(vectors, sample))
    }

    @Test(arguments: BackendFixtures.names)
    func `more iterations never hurt`(_ name: String) throws {
        let backend = try Backends.named(name)
        var previous = Double.infinity
        for iterations in [1, 2, 4, 8, 16] {
            let centroids = try backend.trainCentroids(
                vectors, count: 30, iterations: iterations, seed: 3)
            let objective = BackendFixtures.objective(vectors, centroids)
            #expect(objective <= previous * 1.001)
            previous = objective
        }
    }

    @Test(arguments: BackendFixtures.names)
    func `assignment equals brute force at every tail length`(_ name: String) throws {
        let backend = try Backends.named(name)
        for (rows, dimension, count) in [
            (1, 1, 1), (2, 3, 15), (33, 7, 16), (64, 16, 17), (65, 24, 33), (301, 5, 48),
        ] {
            let vectors = BackendFixtures.clustered(rows, dimension, seed: 1)
            let centroids = BackendFixtures.clustered(count, dimension, seed: 2)
            let found = try backend.assign(vectors, to: centroids)
            #expect(found.labels.count == rows)
            for row in 0..<rows {
                let least = BackendFixtures.leastDistance(vectors.row(row), centroids)
                let chosen = BackendFixtures.squaredDistance(
                    vectors.row(row), centroids.row(Int(found.labels[row])))
                #expect(chosen <= least + 1e-5)
                #expect(abs(Double(found.distances[row]) - chosen) < 1e-5)
            }
        }
    }

    @Test(arguments: BackendFixtures.names)
    func `equal centroids: the lower wins, at distance zero`(_ name: String) throws {
        let centroids = vectors.gathering((0..<50).map { $0 % 23 })
        let found = try Backends.named(name).assign(vectors.gathering(Array(0..<23)), to: centroids)
        #expect(found.labels == (0..<23).map { UInt32($0) })
        #expect(found.distances.allSatisfy { $0 == 0 })
    }

    @Test(arguments: BackendFixtures.names)
    func `no vectors are assigned to nothing`(_ name: String) throws {
        let found = try Backends.named(name).assign(
            Matrix(rows: 0, columns: 24), to: vectors.gathering([0, 1]))
        #expect(found == Assignments(labels: [], distances: []))
    }

    @Test(arguments: BackendFixtures.names)
    func `as many centroids as vectors are the vectors`(_ name: String) throws {
        let few = vectors.gathering(Array(0..<12))
        let backend = try Backends.named(name)
        let centroids = try backend.trainCentroids(few, count: 12, iterations: 5, seed: 1)
        #expect(Set(try backend.assign(few, to: centroids).labels).count == 12)
        #expect(BackendFixtures.objective(few, centroids) < 1e-9)
    }

    @Test(arguments: BackendFixtures.names)
    func `identical vectors end, with that vector as a centroid`(_ name: String) throws {
        for value: Float in [0, 0.75] {
            let same = Matrix(
                rows: 300, columns: 8, elements: [Float](repeating: value, count: 2_400))
            let backend = try Backends.named(name)
            let centroids = try backend.trainCentroids(same, count: 10, iterations: 10, seed: 1)
            #expect(centroids.elements.allSatisfy { $0.isFinite })
            let found = try backend.assign(same, to: centroids)
            #expect(found.distances.allSatisfy { $0 < 1e-4 })
        }
    }

    @Test(arguments: BackendFixtures.names)
    func `the same arguments give the same bits, from one thread or four`(_ name: String)
        async throws
    {
        let vectors = self.vectors
        @Sendable func train(_ seed: UInt64) throws -> Matrix {
            try Backends.named(name).trainCentroids(vectors, count: 40, iterations: 5, seed: seed)
        }
        let expected = try train(9)
        #expect(try train(10) != expected)
        try await withThrowingTaskGroup(of: Matrix.self) { group in
            for _ in 0..<4 { group.addTask { try train(9) } }
            for try await centroids in group { #expect(centroids == expected) }
        }
        let backend = try Backends.named(name)
        let first = try backend.assign(vectors, to: expected)
        #expect(try backend.assign(vectors, to: expected) == first)
    }
}
