// Argument checks that both backends make before they start. Both therefore reject the same
// arguments with the same messages, and neither passes a library arguments that would crash it.
import TesseraBase
import VectorCore

/// Argument checks of ``IndexBackend``'s calls; each throws `invalidArgument`.
enum BackendArguments {
    static func checkCentroids(_ vectors: Matrix, count: Int, iterations: Int)
        throws(TesseraError)
    {
        guard count > 0, count <= Int(Int32.max) else {
            throw invalid("cannot train \(count) centroids; give at least 1")
        }
        guard iterations > 0, iterations <= Int(Int32.max) else {
            throw invalid("cannot run k-means for \(iterations) iterations; give at least 1")
        }
        try checkDimension(vectors)
        try checkEnough(vectors, for: count)
        try checkFinite(vectors)
    }

    static func checkAssignment(_ vectors: Matrix, to centroids: Matrix) throws(TesseraError) {
        guard centroids.rows > 0, centroids.rows <= Int(UInt32.max) else {
            throw invalid("cannot assign vectors to \(centroids.rows) centroids")
        }
        try checkDimension(centroids)
        guard vectors.columns == centroids.columns else {
            throw invalid(
                "vectors have \(vectors.columns) dimensions, centroids \(centroids.columns)")
        }
        try checkFinite(vectors)
        try checkFinite(centroids)
    }

    static func checkCodebooks(_ residuals: Matrix, shape: ProductQuantizerShape)
        throws(TesseraError)
    {
        try checkShape(shape)
        try checkColumns(residuals, shape: shape)
        try checkEnough(residuals, for: shape.centroidCount)
        try checkFinite(residuals)
    }

    static func checkEncoding(_ residuals: Matrix, with codebooks: Codebooks)
        throws(TesseraError)
    {
        try checkShape(codebooks.shape)
        try checkColumns(residuals, shape: codebooks.shape)
        try checkFinite(residuals)
    }

    static func checkRotation(_ vectors: Matrix, shape: ProductQuantizerShape)
        throws(TesseraError)
    {
        try checkShape(shape)
        try checkDimension(vectors)
        guard vectors.columns <= shape.paddedDimension else {
            throw invalid(
                "a rotation cannot bring \(vectors.columns) dimensions down to "
                    + "\(shape.paddedDimension); raise the number of subquantizers")
        }
        try checkEnough(vectors, for: shape.centroidCount)
        try checkFinite(vectors)
    }

    private static func checkShape(_ shape: ProductQuantizerShape) throws(TesseraError) {
        guard shape.bitsPerCode == 4 || shape.bitsPerCode == 8 else {
            throw invalid("codes of \(shape.bitsPerCode) bits are not supported; use 4 or 8")
        }
        guard shape.subquantizerCount > 0, shape.subdimension > 0 else {
            throw invalid(
                "a product quantizer of \(shape.subquantizerCount) x \(shape.subdimension) "
                    + "dimensions is empty")
        }
        guard shape.bitsPerCode == 8 || shape.subquantizerCount.isMultiple(of: 2) else {
            throw invalid(
                "4-bit codes need an even number of subquantizers, not \(shape.subquantizerCount)")
        }
    }

    private static func checkColumns(_ residuals: Matrix, shape: ProductQuantizerShape)
        throws(TesseraError)
    {
        guard residuals.columns == shape.paddedDimension else {
            throw invalid(
                "residuals have \(residuals.columns) dimensions, the product quantizer "
                    + "\(shape.subquantizerCount) x \(shape.subdimension)")
        }
    }

    private static func checkDimension(_ vectors: Matrix) throws(TesseraError) {
        guard vectors.columns > 0, vectors.columns <= Int(Int32.max) else {
            throw invalid("vectors of \(vectors.columns) dimensions cannot be trained on")
        }
    }

    private static func checkEnough(_ vectors: Matrix, for count: Int) throws(TesseraError) {
        guard vectors.rows >= count else {
            throw invalid(
                "\(vectors.rows) vectors are too few to train \(count) centroids; "
                    + "give at least as many vectors, or fewer centroids")
        }
    }

    /// Tests the exponent bits, because an integer loop vectorises where one that compares floats
    /// does not.
    private static func checkFinite(_ vectors: Matrix) throws(TesseraError) {
        let exponent: UInt32 = 0x7F80_0000
        var bad: UInt32 = 0
        for element in vectors.elements {
            bad |= element.bitPattern & exponent == exponent ? 1 : 0
        }
        guard bad != 0, let place = vectors.elements.firstIndex(where: { !$0.isFinite }) else {
            return
        }
        throw invalid(
            "vector \(place / vectors.columns) holds \(vectors.elements[place]) in dimension "
                + "\(place % vectors.columns); remove vectors that are not finite")
    }

    private static func invalid(_ message: String) -> TesseraError {
        TesseraError(.invalidArgument, message)
    }
}
