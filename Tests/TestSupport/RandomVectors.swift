// Vectors for tests: the same for the same seed, and clustered like real ones.
package import VectorCore

/// Makes test vectors.
package enum RandomVectors {
    /// `[rows][columns]`, uniform in -1 ..< 1.
    package static func uniform(rows: Int, columns: Int, seed: UInt64) -> Matrix {
        var random = SeededRandom(seed: seed)
        let elements = (0..<rows * columns).map { _ in Float.random(in: -1..<1, using: &random) }
        return Matrix(rows: rows, columns: columns, elements: elements)
    }

    /// `[rows][columns]` around `clusters` centres; rows of one seed share their centres with any
    /// other row count.
    package static func clustered(rows: Int, columns: Int, clusters: Int, seed: UInt64) -> Matrix {
        let centres = uniform(rows: clusters, columns: columns, seed: seed)
        var random = SeededRandom(seed: seed, stream: 1)
        var elements: [Float] = []
        elements.reserveCapacity(rows * columns)
        for _ in 0..<rows {
            let centre = Int.random(in: 0..<clusters, using: &random)
            for value in centres.row(centre) {
                let noise = (0..<3).reduce(Float(0)) { sum, _ in
                    sum + Float.random(in: -0.2..<0.2, using: &random)
                }
                elements.append(value + noise)
            }
        }
        return Matrix(rows: rows, columns: columns, elements: elements)
    }
}
