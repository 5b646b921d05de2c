// The mock backend's nearest-centroid search: how centroids are laid out for it.
// The search itself is in CentroidTiles+Unsafe.swift.
import VectorCore

/// Centroids in tiles of 16, one SIMD lane a centroid.
///
/// A lane adds up one centroid's squared differences in ascending order of dimension, exactly as the formula
/// reads and with no fused multiply-add, so the bits do not depend on machine, tiling or batch.
struct CentroidTiles: Sendable {
    static let width = 16

    /// Centroids, k.
    let count: Int
    /// d.
    let dimension: Int
    /// `[ceil(k / 16)][d]` vectors of 16 floats. Lanes past the last centroid hold infinity and never win.
    let lanes: [SIMD16<Float>]

    var tileCount: Int { (count + CentroidTiles.width - 1) / CentroidTiles.width }

    /// Lays out `centroids` (`[k][d]`).
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
