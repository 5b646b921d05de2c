// A small exported index with what exhaustive search over its codes finds: the oracle for
// FaissExportTests.
import TesseraBase
import Testing
import VectorCore
import VectorIndex

/// How an exported index differs from the plain one.
struct FaissExportCase: Sendable, CustomTestStringConvertible {
    enum Transform: Sendable { case none, pad, rotation, paddedRotation }

    let metric: Metric
    let bitsPerCode: Int
    let transform: Transform

    var testDescription: String { "\(metric.rawValue), \(bitsPerCode) bits, \(transform)" }

    static let all: [FaissExportCase] = [Metric.l2, .innerProduct, .cosine].flatMap { metric in
        [4, 8].flatMap { bits in
            [Transform.none, .pad, .rotation, .paddedRotation].map {
                FaissExportCase(metric: metric, bitsPerCode: bits, transform: $0)
            }
        }
    }
}

/// An index trained by the mock backend on 700 vectors, with one list left empty.
struct FaissExportFixture {
    let contents: FaissIndexContents
    let queries: Matrix
    /// Decoded vectors by id, `[700][D]`.
    let decoded: Matrix
    /// Queries as the centroids see them, `[queries][D]`.
    private let transformed: Matrix

    init(_ example: FaissExportCase) throws {
        let backend = MockBackend()
        let shape = ProductQuantizerShape(
            subquantizerCount: 6, subdimension: 4, bitsPerCode: example.bitsPerCode)
        let dimension = example.transform == .none || example.transform == .rotation ? 24 : 21
        let vectors = FaissExportFixture.data(700, dimension, example.metric, seed: 1)
        queries = FaissExportFixture.data(25, dimension, example.metric, seed: 2)
        let transform: FaissTransform =
            switch example.transform {
            case .none: .none
            case .pad: .pad
            case .rotation, .paddedRotation:
                .rotation(try backend.trainRotation(vectors, shape: shape, seed: 1))
            }
        let base = FaissExportFixture.apply(transform, to: vectors)
        transformed = FaissExportFixture.apply(transform, to: queries)
        var centroids = try backend.trainCentroids(base, count: 9, iterations: 5, seed: 1)
        // A tenth centroid that no vector is near to: its list stays empty.
        centroids = Matrix(
            rows: 10, columns: 24,
            elements: centroids.elements + [Float](repeating: 50, count: 24))
        let labels = try backend.assign(base, to: centroids).labels
        var residuals = base
        for row in 0..<base.rows {
            for column in 0..<24 {
                residuals.elements[row * 24 + column] -=
                    centroids.elements[Int(labels[row]) * 24 + column]
            }
        }
        let codebooks = try backend.trainCodebooks(residuals, shape: shape, seed: 1)
        let codes = try backend.encode(residuals, with: codebooks)
        contents = FaissIndexContents(
            dimension: dimension, metric: example.metric, centroids: centroids,
            codebooks: codebooks,
            lists: FaissExportFixture.lists(labels, count: 10, codes: codes, width: 6), nprobe: 3,
            transform: transform)
        var decoded = BackendFixtures.decode(codes, codebooks)
        for row in 0..<base.rows {
            for column in 0..<24 {
                decoded.elements[row * 24 + column] +=
                    centroids.elements[Int(labels[row]) * 24 + column]
            }
        }
        self.decoded = decoded
    }

    /// The `k` nearest decoded vectors of every query by exhaustive search: ids, and distances as
    /// Faiss reports them (squared L2, or the inner product).
    func neighbours(_ k: Int) -> (ids: [[Int]], distances: [[Double]]) {
        let found = (0..<queries.rows).map { query in
            (0..<decoded.rows).map { id in
                (id: id, distance: distance(transformed.row(query), decoded.row(id)))
            }.sorted { contents.metric == .innerProduct ? $0.1 > $1.1 : $0.1 < $1.1 }.prefix(k)
        }
        return (found.map { $0.map(\.id) }, found.map { $0.map(\.distance) })
    }

    private func distance(_ query: ArraySlice<Float>, _ vector: ArraySlice<Float>) -> Double {
        guard contents.metric == .innerProduct else {
            return BackendFixtures.squaredDistance(query, vector)
        }
        return zip(query, vector).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }

    private static func data(_ n: Int, _ d: Int, _ metric: Metric, seed: UInt64) -> Matrix {
        var vectors = BackendFixtures.clustered(n, d, seed: seed)
        guard metric.normalises else { return vectors }
        for row in 0..<n {
            let norm = vectors.row(row).reduce(Float(0)) { $0 + $1 * $1 }.squareRoot()
            for place in row * d..<(row + 1) * d { vectors.elements[place] /= norm }
        }
        return vectors
    }

    private static func apply(_ transform: FaissTransform, to vectors: Matrix) -> Matrix {
        switch transform {
        case .none: return vectors
        case .rotation(let rotation): return BackendFixtures.rotated(vectors, by: rotation)
        case .pad:
            let zeros = [Float](repeating: 0, count: 24 - vectors.columns)
            return Matrix(
                rows: vectors.rows, columns: 24,
                elements: (0..<vectors.rows).flatMap { vectors.row($0) + zeros })
        }
    }

    private static func lists(_ labels: [UInt32], count: Int, codes: [UInt8], width: Int)
        -> [FaissList]
    {
        (0..<count).map { list in
            let rows = labels.indices.filter { Int(labels[$0]) == list }
            return FaissList(
                ids: rows.map { Int64($0) },
                codes: rows.flatMap { codes[$0 * width..<($0 + 1) * width] })
        }
    }
}
