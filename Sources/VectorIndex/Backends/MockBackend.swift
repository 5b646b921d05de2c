// The backend without dependencies: the executable specification that the others are tested
// against. It is plain Swift on one thread and gives the same bits on every machine.
package import TesseraBase
package import VectorCore

/// Trains and encodes in pure Swift.
package struct MockBackend: IndexBackend {
    /// Lloyd iterations for each subquantizer: within 1% of the error of Faiss's default of 25
    /// (measured).
    private static let codebookIterations = 15

    package init() {}

    /// Raise the version when the same arguments give different bits.
    package var identity: BackendIdentity { BackendIdentity(name: "mock", version: "1") }

    package func trainCentroids(_ vectors: Matrix, count: Int, iterations: Int, seed: UInt64)
        throws(TesseraError) -> Matrix
    {
        try BackendArguments.checkCentroids(vectors, count: count, iterations: iterations)
        return MockKMeans.train(vectors, count: count, iterations: iterations, seed: seed)
    }

    package func assign(_ vectors: Matrix, to centroids: Matrix)
        throws(TesseraError) -> Assignments
    {
        try BackendArguments.checkAssignment(vectors, to: centroids)
        return CentroidTiles(centroids).nearest(to: vectors)
    }

    package func trainCodebooks(_ residuals: Matrix, shape: ProductQuantizerShape, seed: UInt64)
        throws(TesseraError) -> Codebooks
    {
        try BackendArguments.checkCodebooks(residuals, shape: shape)
        return MockProductQuantizer.train(
            residuals, shape: shape, iterations: MockBackend.codebookIterations, seed: seed)
    }

    package func encode(_ residuals: Matrix, with codebooks: Codebooks)
        throws(TesseraError) -> [UInt8]
    {
        try BackendArguments.checkEncoding(residuals, with: codebooks)
        return MockProductQuantizer.encode(residuals, with: codebooks)
    }

    package func trainRotation(_ vectors: Matrix, shape: ProductQuantizerShape, seed: UInt64)
        throws(TesseraError) -> Matrix
    {
        try BackendArguments.checkRotation(vectors, shape: shape)
        return try MockRotation.train(vectors, shape: shape, seed: seed)
    }
}
