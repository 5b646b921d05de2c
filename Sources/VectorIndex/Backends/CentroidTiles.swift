// The memory layout of centroids for the mock backend's nearest-centroid search. The search itself
// is in CentroidTiles+Unsafe.swift.
import VectorCore

/// Centroids in tiles of 16, one SIMD lane per centroid.
///
/// A lane adds up one centroid's squared differences in ascending order of dimension, without fused
/// multiply-add, so the bits do not depend on machine, tiling or batch.
struct CentroidTiles: Sendable {
    static let width = 16

    /// Number of centroids, k.
    let count: Int
    /// Dimension, d.
    let dimension: Int
    /// `[ceil(k / 16)][d]` vectors of 16 floats. Lanes past the last centroid hold infinity and are
    /// never nearest.
    let lanes: [SIMD16<Float>]

    var tileCount: Int { (count + CentroidTiles.width - 1) / CentroidTiles.width }

    /// Arranges `centroids` (`[k][d]`) in tiles.
    init(_ centroids: Matrix) {
        count = centroids.rows
        dimension = centroids.columns
        let tileCount = (count + CentroidTiles.width - 1) / CentroidTiles.width
        var lanes = [SIMD16<Float>](
            repeating: SIMD16(repeating: .infinity), count: tileCount * dimension)
        for centroid in 0..<count {
            let (tile, lane) = centroid.quotientAndRemainder(dividingBy: CentroidTiles.width)
            for column in 0..<dimension {
                lanes[tile * dimension + column][lane] =
                    centroids.elements[centroid * dimension + column]
            }
        }
        self.lanes = lanes
    }
}
