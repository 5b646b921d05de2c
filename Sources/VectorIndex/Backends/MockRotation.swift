// OPQ as the mock backend trains it, alternating between quantizing the rotated vectors and fitting
// the rotation to the quantized ones. It uses double precision and no library: the orthogonal
// factor comes from matrix products alone.
import TesseraBase
import VectorCore

/// OPQ of Ge et al., "Optimized Product Quantization" (TPAMI 2014), III-A, the non-parametric
/// solution.
enum MockRotation {
    /// The error falls to 0.30, 0.24 and 0.20 of a plain product quantizer's in 10, 20 and 50
    /// iterations (measured on correlated 64-d vectors). Time grows linearly with the iterations.
    private static let iterations = 20
    private static let codebookIterations = 4
    private static let sampleLimit = 16_384
    /// Weight of the previous rotation, relative to a cross-covariance of norm one. It keeps
    /// directions about which the data says nothing (padding, constant dimensions) where they are
    /// instead of undetermined.
    private static let inertia = 1e-4

    /// `R` (`[D][d]`) for `vectors` (`[n][d]`), D being `shape.paddedDimension`: `x' = R x`.
    ///
    /// - Complexity: O(iterations (n D^2 + D^3)).
    /// - Throws: `unavailable` where the orthogonalisation does not converge.
    static func train(_ vectors: Matrix, shape: ProductQuantizerShape, seed: UInt64)
        throws(TesseraError) -> Matrix
    {
        var random = SeededRandom(seed: seed)
        let size = shape.paddedDimension
        let sample = centred(vectors, padding: size, random: &random)
        var rotation = try orthogonalFactor(
            of: SquareMatrix(size: size) { _, _ in bell(&random) })
        var previous: Codebooks?
        for _ in 0..<iterations {
            let rotated = rotation.rotating(sample)
            let codebooks = MockProductQuantizer.train(
                rotated, shape: shape, iterations: codebookIterations, seed: seed,
                start: previous)
            let decoded = MockProductQuantizer.decode(
                MockProductQuantizer.encode(rotated, with: codebooks), with: codebooks)
            previous = codebooks
            // The rotation that best maps the sample onto its decoded vectors (orthogonal
            // Procrustes): the orthogonal factor of their cross-covariance.
            var target = SquareMatrix.crossProduct(of: decoded, with: sample)
            target.scale(by: 1 / max(target.norm, .leastNormalMagnitude))
            target.add(rotation, times: inertia)
            rotation = try orthogonalFactor(of: target)
        }
        return rotation.firstColumns(vectors.columns)
    }

    /// At most `sampleLimit` of `vectors`, minus their mean, padded with zeros to `padding`
    /// columns.
    private static func centred(_ vectors: Matrix, padding: Int, random: inout SeededRandom)
        -> Matrix
    {
        let chosen = random.sample(min(vectors.rows, sampleLimit), below: vectors.rows)
        var mean = [Double](repeating: 0, count: vectors.columns)
        for row in chosen {
            for (column, value) in vectors.row(row).enumerated() { mean[column] += Double(value) }
        }
        var padded = Matrix(rows: chosen.count, columns: padding)
        for (target, row) in chosen.enumerated() {
            for (column, value) in vectors.row(row).enumerated() {
                let centre = mean[column] / Double(chosen.count)
                padded.elements[target * padding + column] = Float(Double(value) - centre)
            }
        }
        return padded
    }

    /// An approximately normal number: a sum of twelve uniform ones. The exact method needs a
    /// logarithm, which may differ between C libraries.
    private static func bell(_ random: inout SeededRandom) -> Double {
        var sum = -6.0
        for _ in 0..<12 { sum += Double(random.next() >> 11) * 0x1p-53 }
        return sum
    }

    /// The orthogonal matrix nearest to `matrix`: U V^T of its singular value decomposition.
    ///
    /// Newton-Schulz iteration, `X <- X (3 I - X^T X) / 2`: each step raises every singular value
    /// in (0, 1) towards 1 (Higham, "Functions of Matrices", SIAM 2008, section 8.3).
    private static func orthogonalFactor(of matrix: SquareMatrix)
        throws(TesseraError) -> SquareMatrix
    {
        var factor = matrix
        factor.scale(by: 1 / max(matrix.norm, .leastNormalMagnitude))
        for _ in 0..<200 {
            var correction = factor.transposedProduct(with: factor)
            if correction.distanceFromIdentity < 1e-9 { return factor }
            correction.scale(by: -0.5)
            correction.addIdentity(times: 1.5)
            factor = factor.product(with: correction)
        }
        throw TesseraError(
            .unavailable,
            "the rotation did not converge; train with another seed, or with --backend faiss")
    }
}
