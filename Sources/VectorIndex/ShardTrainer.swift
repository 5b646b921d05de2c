// Trains and encodes one shard with any backend. Everything that a backend does not decide is
// decided here, so that all backends fill the same format.
package import TesseraBase
package import VectorCore

/// Builds the IVF-PQ of one shard.
///
/// Inverted file with residual product quantization: Jégou et al., "Product Quantization for
/// Nearest Neighbor Search" (TPAMI 2011), IV.
package struct ShardTrainer: Sendable {
    /// Lloyd iterations of the list centroids.
    static let iterations = 10
    /// Most training vectors per centroid; more do not improve k-means.
    static let pointsPerList = 256
    /// Most training residuals per codeword, by bits per code.
    static let residualsPerCodeword = [4: 1024, 8: 256]

    package let backend: any IndexBackend
    package let metric: Metric
    package let shape: ProductQuantizerShape
    package let seed: UInt64

    package init(
        backend: any IndexBackend, metric: Metric, shape: ProductQuantizerShape, seed: UInt64
    ) {
        self.backend = backend
        self.metric = metric
        self.shape = shape
        self.seed = seed
    }

    /// Trains on `vectors` (`[n][paddedDimension]`, n >= 1) and encodes all of them.
    package func build(_ vectors: Matrix, listCount: Int) throws(TesseraError) -> EncodedShard {
        try build(vectors, lists: trainLists(vectors, listCount: listCount))
    }

    /// Trains codebooks for the given lists and encodes `vectors` (`[n][paddedDimension]`, n >= 1)
    /// in them.
    package func build(_ vectors: Matrix, lists trained: ListCentroids)
        throws(TesseraError) -> EncodedShard
    {
        precondition(vectors.columns == shape.paddedDimension, "vectors must be padded")
        let centroids = trained.matrix
        let labels = try backend.assign(vectors, to: centroids).labels
        let residuals = Self.residuals(vectors, labels: labels, centroids: centroids)
        let model = ShardModel(
            origin: trained.origin, centroidStep: trained.step, centroidCodes: trained.codes,
            codebooks: try trainCodebooks(residuals))
        let encoded = try backend.encode(residuals, with: model.codebooks)
        return EncodedShard(model: model, lists: lists(model, labels: labels, codes: encoded))
    }

    /// One more Lloyd iteration: each list's centroid moves to the mean of the `vectors` nearest to
    /// it; an empty list keeps its centroid.
    package func recentre(_ lists: ListCentroids, on vectors: Matrix)
        throws(TesseraError) -> ListCentroids
    {
        var centroids = lists.matrix
        let labels = try backend.assign(vectors, to: centroids).labels
        for (list, rows) in Assignments.members(labels, centroids: lists.count).enumerated()
        where !rows.isEmpty {
            let mean = Self.mean(of: vectors.gathering(rows))
            let start = list * mean.count
            centroids.elements.replaceSubrange(start..<start + mean.count, with: mean)
        }
        return ListCentroids(centroids, about: Self.mean(of: vectors))
    }

    /// Trains `listCount` centroids on `vectors` (`[n][paddedDimension]`, n >= 1).
    package func trainLists(_ vectors: Matrix, listCount: Int)
        throws(TesseraError) -> ListCentroids
    {
        let origin = Self.mean(of: vectors)
        let sample = subsample(vectors, most: listCount * Self.pointsPerList, stream: 1)
        let centroids =
            listCount == 1
            ? Matrix(rows: 1, columns: vectors.columns, elements: origin)
            : try backend.trainCentroids(
                sample, count: listCount, iterations: Self.iterations, seed: seed)
        return ListCentroids(centroids, about: origin)
    }

    private func trainCodebooks(_ residuals: Matrix) throws(TesseraError) -> Codebooks {
        let wanted = shape.centroidCount * (Self.residualsPerCodeword[shape.bitsPerCode] ?? 256)
        let sample = Self.enough(subsample(residuals, most: wanted, stream: 2), for: shape)
        return try backend.trainCodebooks(sample, shape: shape, seed: seed)
    }

    /// `vectors`, repeated if they are fewer than the codewords, so that k-means has a vector for
    /// each codeword.
    package static func enough(_ vectors: Matrix, for shape: ProductQuantizerShape) -> Matrix {
        guard vectors.rows < shape.centroidCount else { return vectors }
        return vectors.gathering((0..<shape.centroidCount).map { $0 % vectors.rows })
    }

    private func subsample(_ vectors: Matrix, most: Int, stream: UInt64) -> Matrix {
        guard vectors.rows > most else { return vectors }
        var random = SeededRandom(seed: seed, stream: stream)
        return vectors.gathering(random.sample(most, below: vectors.rows))
    }

    private func lists(_ model: ShardModel, labels: [UInt32], codes: [UInt8]) -> [EncodedList] {
        let members = Assignments.members(labels, centroids: model.listCount)
        let bias = metric == .innerProduct ? nil : BiasEncoder(model: model)
        let width = shape.subquantizerCount
        return members.enumerated().map { list, rows in
            let listCodes = rows.flatMap { codes[$0 * width..<($0 + 1) * width] }
            guard let bias else {
                return EncodedList(
                    members: rows, codes: listCodes, bias: [], biasOffset: 0, biasStep: 0)
            }
            let (offset, step, bytes) = bias.encode(list: list, codes: listCodes)
            return EncodedList(
                members: rows, codes: listCodes, bias: bytes, biasOffset: offset, biasStep: step)
        }
    }

    /// The mean of all rows, `[columns]`.
    package static func mean(of vectors: Matrix) -> [Float] {
        var sums = [Double](repeating: 0, count: vectors.columns)
        for row in 0..<vectors.rows {
            for column in 0..<vectors.columns {
                sums[column] += Double(vectors.elements[row * vectors.columns + column])
            }
        }
        return sums.map { Float($0 / Double(max(1, vectors.rows))) }
    }

    /// Each vector minus the centroid it is assigned to.
    static func residuals(_ vectors: Matrix, labels: [UInt32], centroids: Matrix) -> Matrix {
        var residuals = vectors
        let width = vectors.columns
        for row in 0..<vectors.rows {
            let centroid = Int(labels[row]) * width
            for column in 0..<width {
                residuals.elements[row * width + column] -= centroids.elements[centroid + column]
            }
        }
        return residuals
    }
}
