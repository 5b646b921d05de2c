// The contents of a Faiss file: one shard's quantizers and codes, in the shapes that the index
// uses. Building them does not need Faiss.
import TesseraBase
package import VectorCore

/// The transform from the user's vectors to the space of the centroids.
package enum FaissTransform: Sendable, Equatable {
    /// No transform: d is the padded dimension.
    case none
    /// Zeros are appended up to the padded dimension D.
    case pad
    /// `x' = R x`, with R `[D][d]`.
    case rotation(Matrix)
}

/// One inverted list of an exported index.
package struct FaissList: Sendable, Equatable {
    package let ids: [Int64]
    /// One code per byte: `[ids.count][M]`.
    package let codes: [UInt8]

    package init(ids: [Int64], codes: [UInt8]) {
        self.ids = ids
        self.codes = codes
    }
}

/// An IVF-PQ index as Faiss knows it, with codes of residuals.
package struct FaissIndexContents: Sendable {
    /// Dimension d of the vectors a user searches with.
    package let dimension: Int
    /// ``Metric/cosine`` is exported as L2: vectors are stored with unit length, and queries need
    /// unit length too.
    package let metric: Metric
    /// `[nlist][D]`.
    package let centroids: Matrix
    package let codebooks: Codebooks
    /// One per centroid, nlist in all.
    package let lists: [FaissList]
    /// Lists that Faiss scans by default.
    package let nprobe: Int
    package let transform: FaissTransform

    package init(
        dimension: Int, metric: Metric, centroids: Matrix, codebooks: Codebooks,
        lists: [FaissList], nprobe: Int, transform: FaissTransform
    ) {
        self.dimension = dimension
        self.metric = metric
        self.centroids = centroids
        self.codebooks = codebooks
        self.lists = lists
        self.nprobe = nprobe
        self.transform = transform
    }

    var vectorCount: Int { lists.reduce(0) { $0 + $1.ids.count } }

    /// Throws `invalidArgument` unless all parts fit together. Faiss itself checks little of what
    /// it reads.
    func check() throws(TesseraError) {
        let shape = codebooks.shape
        guard shape.bitsPerCode == 4 || shape.bitsPerCode == 8, shape.codeSize > 0,
            shape.bitsPerCode == 8 || shape.subquantizerCount.isMultiple(of: 2)
        else {
            throw FaissIndexContents.invalid(
                "\(shape.subquantizerCount) codes of \(shape.bitsPerCode) bits cannot be exported")
        }
        guard centroids.rows > 0, centroids.columns == shape.paddedDimension else {
            throw FaissIndexContents.invalid(
                "centroids are \(centroids.rows) x \(centroids.columns), codebooks cover "
                    + "\(shape.paddedDimension) dimensions")
        }
        guard lists.count == centroids.rows else {
            throw FaissIndexContents.invalid(
                "there are \(lists.count) lists for \(centroids.rows) centroids")
        }
        guard nprobe > 0, nprobe <= lists.count else {
            throw FaissIndexContents.invalid(
                "nprobe is \(nprobe); it must lie between 1 and \(lists.count) lists")
        }
        try checkTransform()
        try checkCodes()
    }

    private func checkTransform() throws(TesseraError) {
        let padded = codebooks.shape.paddedDimension
        let fits =
            switch transform {
            case .none: dimension == padded
            case .pad: dimension > 0 && dimension < padded
            case .rotation(let matrix): matrix.rows == padded && matrix.columns == dimension
            }
        guard fits else {
            throw FaissIndexContents.invalid(
                "the transform does not bring \(dimension) dimensions to \(padded)")
        }
    }

    private func checkCodes() throws(TesseraError) {
        let shape = codebooks.shape
        for (number, list) in lists.enumerated() {
            guard list.codes.count == list.ids.count * shape.subquantizerCount else {
                throw FaissIndexContents.invalid(
                    "list \(number) has \(list.ids.count) ids and \(list.codes.count) codes; "
                        + "give \(shape.subquantizerCount) codes per id, one per byte")
            }
            guard shape.bitsPerCode == 8 || list.codes.allSatisfy({ $0 < 16 }) else {
                throw FaissIndexContents.invalid("list \(number) holds a 4-bit code above 15")
            }
        }
    }

    private static func invalid(_ message: String) -> TesseraError {
        TesseraError(.invalidArgument, message)
    }
}
