// The protocol of a backend, which trains and encodes. Search does not need a backend.
package import TesseraBase
package import VectorCore

/// The backend that trained an index, as the manifest records it.
package struct BackendIdentity: Sendable, Codable, Equatable {
    /// `mock` or `faiss`.
    package let name: String
    package let version: String

    package init(name: String, version: String) {
        self.name = name
        self.version = version
    }
}

/// The shape of a product quantizer over a padded dimension of `subquantizerCount * subdimension`.
package struct ProductQuantizerShape: Sendable, Codable, Equatable {
    /// Number of subquantizers, M; even where `bitsPerCode` is 4.
    package let subquantizerCount: Int
    /// Dimensions per subquantizer, dsub.
    package let subdimension: Int
    /// 4 or 8.
    package let bitsPerCode: Int

    package init(subquantizerCount: Int, subdimension: Int, bitsPerCode: Int) {
        self.subquantizerCount = subquantizerCount
        self.subdimension = subdimension
        self.bitsPerCode = bitsPerCode
    }

    /// Centroids of each subquantizer, ksub: 16 or 256.
    package var centroidCount: Int { 1 << bitsPerCode }
    /// M x dsub: the dimension to which vectors are padded or rotated.
    package var paddedDimension: Int { subquantizerCount * subdimension }
    /// Bytes of one vector's code.
    package var codeSize: Int { subquantizerCount * bitsPerCode / 8 }
}

/// Codebooks of a product quantizer: `[subquantizerCount][centroidCount][subdimension]` floats.
package struct Codebooks: Sendable, Equatable {
    package let shape: ProductQuantizerShape
    package let centroids: [Float]

    /// - Precondition: `centroids.count == M * ksub * dsub`.
    package init(shape: ProductQuantizerShape, centroids: [Float]) {
        precondition(
            centroids.count == shape.paddedDimension * shape.centroidCount,
            "codebooks must be M x ksub x dsub")
        self.shape = shape
        self.centroids = centroids
    }
}

/// The nearest centroid of each vector, and the squared Euclidean distance to it.
package struct Assignments: Sendable, Equatable {
    package var labels: [UInt32]
    package var distances: [Float]

    package init(labels: [UInt32], distances: [Float]) {
        self.labels = labels
        self.distances = distances
    }

    /// The rows assigned to each centroid, ascending.
    package static func members(_ labels: [UInt32], centroids: Int) -> [[Int]] {
        var members = [[Int]](repeating: [], count: centroids)
        for (row, label) in labels.enumerated() { members[Int(label)].append(row) }
        return members
    }
}

/// Trains and encodes: k-means, product quantizers and rotations.
///
/// Every call is deterministic in its arguments, uses only the calling thread, and may be made from
/// several threads at once. Distances are squared Euclidean; ties go to the lower centroid.
///
/// All calls throw ``TesseraError``: `invalidArgument` where shapes do not fit or there are fewer
/// vectors than centroids, `unavailable` where the library behind the backend fails.
package protocol IndexBackend: Sendable {
    var identity: BackendIdentity { get }

    /// k-means centroids of `vectors` (`[n][d]`): `[count][d]`. No two clusters are empty while `n
    /// >= count` and the vectors are distinct.
    func trainCentroids(_ vectors: Matrix, count: Int, iterations: Int, seed: UInt64)
        throws(TesseraError) -> Matrix

    /// The nearest of `centroids` (`[k][d]`) for each of `vectors` (`[n][d]`).
    func assign(_ vectors: Matrix, to centroids: Matrix) throws(TesseraError) -> Assignments

    /// Codebooks for `residuals` (`[n][shape.paddedDimension]`).
    func trainCodebooks(_ residuals: Matrix, shape: ProductQuantizerShape, seed: UInt64)
        throws(TesseraError) -> Codebooks

    /// Codes of `residuals`, one per byte, unpacked: `[n][subquantizerCount]`, each below
    /// `centroidCount`.
    func encode(_ residuals: Matrix, with codebooks: Codebooks) throws(TesseraError) -> [UInt8]

    /// An orthonormal OPQ rotation `[shape.paddedDimension][d]` for `vectors` (`[n][d]`,
    /// `d <= paddedDimension`): `x' = R x`.
    ///
    /// Ge et al., "Optimized Product Quantization" (TPAMI 2014), non-parametric solution.
    func trainRotation(_ vectors: Matrix, shape: ProductQuantizerShape, seed: UInt64)
        throws(TesseraError) -> Matrix
}
