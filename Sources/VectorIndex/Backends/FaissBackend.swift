// The backend over libfaiss, in builds with the trait `Faiss`.
#if Faiss
    import CFaissShim
    package import TesseraBase
    package import VectorCore

    /// Trains and encodes with Faiss (Johnson et al., "Billion-scale similarity search with GPUs",
    /// IEEE Transactions on Big Data 2019; Douze et al., "The Faiss library", 2024).
    ///
    /// Results have the same bits for the same arguments, Faiss and OpenBLAS build, and processor
    /// kind.
    package struct FaissBackend: IndexBackend {
        /// Most rows a rotation is trained on. The cost is n D^2 per iteration, and more rows
        /// change nothing.
        private static let rotationSampleLimit = 65_536

        package init() {}

        package var identity: BackendIdentity {
            BackendIdentity(name: "faiss", version: FaissCall.version)
        }

        package func trainCentroids(_ vectors: Matrix, count: Int, iterations: Int, seed: UInt64)
            throws(TesseraError) -> Matrix
        {
            try BackendArguments.checkCentroids(vectors, count: count, iterations: iterations)
            var centroids = Matrix(rows: count, columns: vectors.columns)
            try FaissCall.make("k-means") { message, capacity in
                tessera_faiss_train_centroids(
                    vectors.elements, Int64(vectors.rows), Int64(vectors.columns), Int64(count),
                    Int32(iterations), faissSeed(seed), &centroids.elements, &message, capacity)
            }
            return centroids
        }

        package func assign(_ vectors: Matrix, to centroids: Matrix)
            throws(TesseraError) -> Assignments
        {
            try BackendArguments.checkAssignment(vectors, to: centroids)
            var found = Assignments(
                labels: [UInt32](repeating: 0, count: vectors.rows),
                distances: [Float](repeating: 0, count: vectors.rows))
            guard vectors.rows > 0 else { return found }
            try FaissCall.make("assignment") { message, capacity in
                tessera_faiss_assign(
                    vectors.elements, Int64(vectors.rows), Int64(vectors.columns),
                    centroids.elements, Int64(centroids.rows), &found.labels, &found.distances,
                    &message, capacity)
            }
            return found
        }

        package func trainCodebooks(
            _ residuals: Matrix, shape: ProductQuantizerShape, seed: UInt64
        ) throws(TesseraError) -> Codebooks {
            try BackendArguments.checkCodebooks(residuals, shape: shape)
            var centroids = [Float](
                repeating: 0, count: shape.paddedDimension * shape.centroidCount)
            try FaissCall.make("product quantizer training") { message, capacity in
                tessera_faiss_train_codebooks(
                    residuals.elements, Int64(residuals.rows), Int64(shape.subquantizerCount),
                    Int64(shape.subdimension), Int32(shape.bitsPerCode), faissSeed(seed),
                    &centroids, &message, capacity)
            }
            return Codebooks(shape: shape, centroids: centroids)
        }

        package func encode(_ residuals: Matrix, with codebooks: Codebooks)
            throws(TesseraError) -> [UInt8]
        {
            try BackendArguments.checkEncoding(residuals, with: codebooks)
            let shape = codebooks.shape
            var codes = [UInt8](repeating: 0, count: residuals.rows * shape.subquantizerCount)
            guard residuals.rows > 0 else { return codes }
            try FaissCall.make("encoding") { message, capacity in
                tessera_faiss_encode(
                    residuals.elements, Int64(residuals.rows), codebooks.centroids,
                    Int64(shape.subquantizerCount), Int64(shape.subdimension),
                    Int32(shape.bitsPerCode), &codes, &message, capacity)
            }
            return codes
        }

        package func trainRotation(
            _ vectors: Matrix, shape: ProductQuantizerShape, seed: UInt64
        ) throws(TesseraError) -> Matrix {
            try BackendArguments.checkRotation(vectors, shape: shape)
            let limit = FaissBackend.rotationSampleLimit
            var sample = vectors
            if vectors.rows > limit {
                var random = SeededRandom(seed: seed)
                sample = vectors.gathering(random.sample(limit, below: vectors.rows))
            }
            var rotation = Matrix(rows: shape.paddedDimension, columns: vectors.columns)
            try FaissCall.make("OPQ training") { message, capacity in
                tessera_faiss_train_rotation(
                    sample.elements, Int64(sample.rows), Int64(sample.columns),
                    Int64(shape.subquantizerCount), Int64(shape.subdimension),
                    Int32(shape.bitsPerCode), faissSeed(seed), &rotation.elements, &message,
                    capacity)
            }
            return rotation
        }

        /// Derives a 31-bit seed, as Faiss takes it, from all 64 bits.
        private func faissSeed(_ seed: UInt64) -> Int32 {
            var random = SeededRandom(seed: seed)
            return Int32(random.next() >> 33)
        }
    }
#endif
