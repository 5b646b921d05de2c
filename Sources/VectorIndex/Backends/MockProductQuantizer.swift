// The product quantizer of the mock backend: separate k-means in each subspace.
import VectorCore

/// Product quantizer of Jégou et al., "Product Quantization for Nearest Neighbor Search" (TPAMI
/// 2011), section II.
enum MockProductQuantizer {
    /// Trains codebooks for `residuals` (`[n][M x dsub]`), each subquantizer with its own seed.
    /// Where `start` is given, refines those codebooks instead.
    ///
    /// - Complexity: O(iterations n ksub d).
    static func train(
        _ residuals: Matrix, shape: ProductQuantizerShape, iterations: Int, seed: UInt64,
        start: Codebooks? = nil
    ) -> Codebooks {
        var centroids: [Float] = []
        centroids.reserveCapacity(shape.paddedDimension * shape.centroidCount)
        for subquantizer in 0..<shape.subquantizerCount {
            let part = subspace(residuals, subquantizer, shape)
            if let start {
                centroids +=
                    MockKMeans.refine(
                        book(start, subquantizer), on: part, iterations: iterations
                    ).elements
            } else {
                var random = SeededRandom(seed: seed, stream: UInt64(subquantizer))
                centroids +=
                    MockKMeans.train(
                        part, count: shape.centroidCount, iterations: iterations,
                        seed: random.next()
                    ).elements
            }
        }
        return Codebooks(shape: shape, centroids: centroids)
    }

    /// `[n][M]` codes of `residuals` (`[n][M x dsub]`), one per byte.
    static func encode(_ residuals: Matrix, with codebooks: Codebooks) -> [UInt8] {
        let shape = codebooks.shape
        var codes = [UInt8](repeating: 0, count: residuals.rows * shape.subquantizerCount)
        for subquantizer in 0..<shape.subquantizerCount {
            let nearest = CentroidTiles(book(codebooks, subquantizer))
                .nearest(to: subspace(residuals, subquantizer, shape))
            for (row, label) in nearest.labels.enumerated() {
                codes[row * shape.subquantizerCount + subquantizer] = UInt8(label)
            }
        }
        return codes
    }

    /// The vectors that `codes` (`[n][M]`) encode: `[n][M x dsub]`.
    static func decode(_ codes: [UInt8], with codebooks: Codebooks) -> Matrix {
        let shape = codebooks.shape
        let rows = codes.count / shape.subquantizerCount
        var decoded = Matrix(rows: rows, columns: shape.paddedDimension)
        for (place, code) in codes.enumerated() {
            let subquantizer = place % shape.subquantizerCount
            let source = (subquantizer * shape.centroidCount + Int(code)) * shape.subdimension
            for column in 0..<shape.subdimension {
                decoded.elements[place * shape.subdimension + column] =
                    codebooks.centroids[source + column]
            }
        }
        return decoded
    }

    /// The centroids of one subquantizer: `[ksub][dsub]`.
    private static func book(_ codebooks: Codebooks, _ subquantizer: Int) -> Matrix {
        let shape = codebooks.shape
        let size = shape.centroidCount * shape.subdimension
        return Matrix(
            rows: shape.centroidCount, columns: shape.subdimension,
            elements: Array(codebooks.centroids[subquantizer * size..<(subquantizer + 1) * size]))
    }

    /// The columns of one subquantizer: `[n][dsub]`.
    private static func subspace(
        _ vectors: Matrix, _ subquantizer: Int, _ shape: ProductQuantizerShape
    ) -> Matrix {
        let width = shape.subdimension
        var columns = Matrix(rows: vectors.rows, columns: width)
        for row in 0..<vectors.rows {
            let source = row * vectors.columns + subquantizer * width
            for column in 0..<width {
                columns.elements[row * width + column] = vectors.elements[source + column]
            }
        }
        return columns
    }
}
