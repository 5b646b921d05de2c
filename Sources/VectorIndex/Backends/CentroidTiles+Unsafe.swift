// The inner loops of the mock backend's nearest-centroid search. Pointers stay in this file: they come from
// arrays whose sizes `nearest` has checked, and end with its call.
import VectorCore

extension CentroidTiles {
    /// Rows scored against one tile before the next tile: small enough that the rows stay in the L2 cache.
    private static let rowBlock = 64

    /// The nearest centroid of each of `vectors` (`[n][d]`), ties to the lower.
    ///
    /// - Complexity: O(n k d).
    /// - Precondition: `vectors.columns == dimension`.
    func nearest(to vectors: Matrix) -> Assignments {
        precondition(vectors.columns == dimension, "vectors and centroids differ in dimension")
        var found = Assignments(
            labels: [UInt32](repeating: 0, count: vectors.rows),
            distances: [Float](repeating: .infinity, count: vectors.rows))
        vectors.elements.withUnsafeBufferPointer { elements in
            lanes.withUnsafeBufferPointer { lanes in
                found.labels.withUnsafeMutableBufferPointer { labels in
                    found.distances.withUnsafeMutableBufferPointer { distances in
                        guard let elements = elements.baseAddress, let lanes = lanes.baseAddress,
                            let labels = labels.baseAddress, let distances = distances.baseAddress
                        else { return }
                        let best = BestSoFar(labels: labels, distances: distances)
                        scan(elements, rows: vectors.rows, lanes: lanes, best: best)
                    }
                }
            }
        }
        return found
    }

    private func scan(
        _ elements: UnsafePointer<Float>, rows: Int, lanes: UnsafePointer<SIMD16<Float>>,
        best: BestSoFar
    ) {
        for start in stride(from: 0, to: rows, by: CentroidTiles.rowBlock) {
            let end = min(start + CentroidTiles.rowBlock, rows)
            for tile in 0..<tileCount {
                let tileLanes = lanes + tile * dimension
                // Two rows a pass: each load of a tile serves both. An odd last row is its own partner.
                for first in stride(from: start, to: end, by: 2) {
                    let second = min(first + 1, end - 1)
                    let (near, far) = CentroidTiles.squaredDistances(
                        elements + first * dimension, elements + second * dimension,
                        tileLanes, dimension)
                    best.update(row: first, tile: tile, distances: near)
                    best.update(row: second, tile: tile, distances: far)
                }
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

/// The nearest centroid of each row among the tiles seen so far. Tiles come in ascending order.
private struct BestSoFar {
    let labels: UnsafeMutablePointer<UInt32>
    let distances: UnsafeMutablePointer<Float>

    @inline(__always)
    func update(row: Int, tile: Int, distances candidates: SIMD16<Float>) {
        let least = candidates.min()
        // Strictly less: an equal distance in a later tile is a higher centroid.
        guard least < distances[row] else { return }
        distances[row] = least
        for lane in 0..<CentroidTiles.width where candidates[lane] == least {
            labels[row] = UInt32(truncatingIfNeeded: tile * CentroidTiles.width + lane)
            return
        }
    }
}
