// Vectors and oracles for the backend tests: slow, obvious, and independent of what they check.
import TesseraBase
import VectorCore
import VectorIndex

enum BackendFixtures {
    /// The backends of this build, by name: a test's argument shows in its report.
    static let names = Backends.available.map(\.identity.name)

    /// Uniform in [-1, 1), from 24 random bits.
    static func uniform(_ random: inout SeededRandom) -> Float {
        Float(random.next() >> 40) * 0x1p-23 - 1
    }

    /// `n` vectors around `clusters` random centres, `[n][d]`.
    static func clustered(_ n: Int, _ d: Int, clusters: Int = 20, seed: UInt64 = 7) -> Matrix {
        var random = SeededRandom(seed: seed)
        let centres = (0..<clusters * d).map { _ in uniform(&random) }
        var vectors = Matrix(rows: n, columns: d)
        for row in 0..<n {
            let centre = Int(random.next() % UInt64(clusters))
            for column in 0..<d {
                vectors.elements[row * d + column] =
                    centres[centre * d + column] + 0.3 * uniform(&random)
            }
        }
        return vectors
    }

    /// Vectors whose dimensions are mixtures of few factors of falling strength: what OPQ is for.
    static func correlated(_ n: Int, _ d: Int, seed: UInt64 = 11) -> Matrix {
        var random = SeededRandom(seed: seed)
        let factors = d / 2
        let mixing = (0..<d * factors).map { _ in uniform(&random) }
        var vectors = Matrix(rows: n, columns: d)
        for row in 0..<n {
            let strengths = (0..<factors).map { uniform(&random) / Float($0 + 1) }
            for column in 0..<d {
                var sum = 0.02 * uniform(&random)
                for factor in 0..<factors {
                    sum += strengths[factor] * mixing[column * factors + factor]
                }
                vectors.elements[row * d + column] = sum
            }
        }
        return vectors
    }

    /// Squared Euclidean distance in double precision.
    static func squaredDistance(_ left: ArraySlice<Float>, _ right: ArraySlice<Float>) -> Double {
        zip(left, right).reduce(0) { sum, pair in
            let difference = Double(pair.0) - Double(pair.1)
            return sum + difference * difference
        }
    }

    /// The least distance from `vector` to any row of `candidates`.
    static func leastDistance(_ vector: ArraySlice<Float>, _ candidates: Matrix) -> Double {
        (0..<candidates.rows).reduce(.infinity) {
            min($0, squaredDistance(vector, candidates.row($1)))
        }
    }

    /// The sum over `vectors` of the squared distance to the nearest centroid: what k-means
    /// minimises.
    static func objective(_ vectors: Matrix, _ centroids: Matrix) -> Double {
        (0..<vectors.rows).reduce(0) { $0 + leastDistance(vectors.row($1), centroids) }
    }

    /// One subquantizer's codebook: `[ksub][dsub]`.
    static func book(_ codebooks: Codebooks, _ subquantizer: Int) -> Matrix {
        let shape = codebooks.shape
        let size = shape.centroidCount * shape.subdimension
        return Matrix(
            rows: shape.centroidCount, columns: shape.subdimension,
            elements: Array(codebooks.centroids[subquantizer * size..<(subquantizer + 1) * size]))
    }

    /// The vectors that codes stand for: `[n][M x dsub]`.
    static func decode(_ codes: [UInt8], _ codebooks: Codebooks) -> Matrix {
        let shape = codebooks.shape
        let books = (0..<shape.subquantizerCount).map { book(codebooks, $0) }
        return Matrix(
            rows: codes.count / shape.subquantizerCount, columns: shape.paddedDimension,
            elements: codes.indices.flatMap {
                books[$0 % shape.subquantizerCount].row(Int(codes[$0]))
            })
    }

    /// The sum of squared differences of two matrices of one shape.
    static func squaredError(_ left: Matrix, _ right: Matrix) -> Double {
        squaredDistance(left.elements[...], right.elements[...])
    }

    /// Each row `x` of `vectors` as `rotation x`.
    static func rotated(_ vectors: Matrix, by rotation: Matrix) -> Matrix {
        var result = Matrix(rows: vectors.rows, columns: rotation.rows)
        for row in 0..<vectors.rows {
            for target in 0..<rotation.rows {
                var sum = 0.0
                for column in 0..<vectors.columns {
                    sum +=
                        Double(rotation.elements[target * rotation.columns + column])
                        * Double(vectors.elements[row * vectors.columns + column])
                }
                result.elements[row * rotation.rows + target] = Float(sum)
            }
        }
        return result
    }
}
