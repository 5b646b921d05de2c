// The metrics a user can ask for, and how each is reduced to what the kernels know.

/// How far two vectors are apart. Smaller is always nearer.
package enum Metric: String, BitwiseCopyable, Sendable, Codable, CaseIterable {
    /// Squared Euclidean distance.
    case l2
    /// The negative inner product.
    case innerProduct = "ip"
    /// One minus the cosine of the angle. Vectors are normalised at ingest, where it equals half
    /// the squared Euclidean distance; inside an index it is therefore handled as ``l2``.
    case cosine

    /// True where vectors are brought to unit length on their way in.
    package var normalises: Bool { self == .cosine }

    /// Turns the distance the kernels work with into the one a user sees.
    package func reported(_ kernelDistance: Float) -> Float {
        self == .cosine ? kernelDistance / 2 : kernelDistance
    }
}
