// The inner loops of the mock backend's nearest-centroid search. Pointers stay in this file: they
// come from arrays whose sizes `nearest` has checked, and are not kept after its call.
import VectorCore

extension CentroidTiles {
    /// Rows compared with one tile before the next tile: few enough that the rows stay in the L2
    /// cache.
    private static let rowBlock = 64

    /// The nearest centroid of each of `vectors` (`[n][d]`); ties go to the lower centroid.
    ///
    /// - Complexity: O(n k d).
    /// - Precondition: `vectors.columns == dimension`.
    func nearest(to vectors: Matrix) -> Assignments {
        precondition(vectors.columns == dimension, "vectors and centroids differ in dimension")
        var found = Assignments(
            labels: [UInt32](repeating: 0, count: vectors.rows),
            distances: [Float](repeating: .infinity, count: vectors.rows))
        var best = [LaneBest](repeating: LaneBest(), count: CentroidTiles.rowBlock)
        vectors.elements.withUnsafeBufferPointer { elements in
            lanes.withUnsafeBufferPointer { lanes in
                best.withUnsafeMutableBufferPointer { best in
                    guard let elements = elements.baseAddress, let lanes = lanes.baseAddress,
                        let best = best.baseAddress
                    else { return }
                    for start in stride(from: 0, to: vectors.rows, by: CentroidTiles.rowBlock) {
                        let rows = min(CentroidTiles.rowBlock, vectors.rows - start)
                        scan(elements + start * dimension, rows: rows, lanes: lanes, best: best)
                        for row in 0..<rows {
                            (found.labels[start + row], found.distances[start + row]) =
                                best[row].winner
                        }
                    }
                }
            }
        }
        return found
    }

    /// Compares `rows` vectors with every tile.
    private func scan(
        _ elements: UnsafePointer<Float>, rows: Int, lanes: UnsafePointer<SIMD16<Float>>,
        best: UnsafeMutablePointer<LaneBest>
    ) {
        for row in 0..<rows { best[row] = LaneBest() }
        for tile in 0..<tileCount {
            let tileLanes = lanes + tile * dimension
            // Two rows per pass: each load of a tile serves both. An odd last row is paired with
            // itself.
            for first in stride(from: 0, to: rows, by: 2) {
                let second = min(first + 1, rows - 1)
                let (near, far) = CentroidTiles.squaredDistances(
                    elements + first * dimension, elements + second * dimension, tileLanes,
                    dimension)
                best[first].update(near, tile: UInt32(truncatingIfNeeded: tile))
                best[second].update(far, tile: UInt32(truncatingIfNeeded: tile))
            }
        }
    }

    /// Squared Euclidean distances of two vectors to the 16 centroids of one tile.
    @inline(__always)
    private static func squaredDistances(
        _ first: UnsafePointer<Float>, _ second: UnsafePointer<Float>,
        _ tile: UnsafePointer<SIMD16<Float>>, _ dimension: Int
    ) -> (SIMD16<Float>, SIMD16<Float>) {
        var firstSum = SIMD16<Float>(repeating: 0)
        var secondSum = SIMD16<Float>(repeating: 0)
        for column in 0..<dimension {
            let centroids = tile[column]
            let firstDifference = centroids - first[column]
            let secondDifference = centroids - second[column]
            firstSum += firstDifference * firstDifference
            secondSum += secondDifference * secondDifference
        }
        return (firstSum, secondSum)
    }
}

/// One vector's nearest centroid in each of the 16 lanes. Tiles come in ascending order.
///
/// The lanes are reduced only at the end: a horizontal minimum for each tile costs more than the
/// distances of a narrow subspace.
private struct LaneBest {
    var distances = SIMD16<Float>(repeating: .infinity)
    var tiles = SIMD16<UInt32>(repeating: 0)

    @inline(__always)
    mutating func update(_ candidates: SIMD16<Float>, tile: UInt32) {
        // Strictly less: an equal distance in a later tile belongs to a higher centroid.
        let nearer = candidates .< distances
        distances.replace(with: candidates, where: nearer)
        tiles.replace(with: SIMD16(repeating: tile), where: nearer)
    }

    /// The nearest of all lanes; ties go to the lower centroid.
    var winner: (label: UInt32, distance: Float) {
        var label = tiles[0] * UInt32(CentroidTiles.width)
        var distance = distances[0]
        for lane in 1..<CentroidTiles.width {
            let candidate = tiles[lane] * UInt32(CentroidTiles.width) + UInt32(lane)
            if distances[lane] < distance || (distances[lane] == distance && candidate < label) {
                label = candidate
                distance = distances[lane]
            }
        }
        return (label, distance)
    }
}
