// k-means of the mock backend: Lloyd's iterations from a random sample. Deterministic in its
// arguments; sums run in row order in double precision.
import VectorCore

/// Lloyd's k-means: "Least Squares Quantization in PCM" (IEEE Transactions on Information Theory,
/// 1982).
enum MockKMeans {
    /// Relative distance by which the halves of a split cluster are moved apart in each coordinate;
    /// Faiss's value.
    private static let splitStep: Float = 1.0 / 1024

    /// `[count][d]` centroids of `vectors` (`[n][d]`).
    ///
    /// - Complexity: O(iterations n count d).
    /// - Precondition: `0 < count <= vectors.rows`.
    static func train(_ vectors: Matrix, count: Int, iterations: Int, seed: UInt64) -> Matrix {
        // With as many centroids as vectors, each vector is its own cluster, which is optimal.
        guard count < vectors.rows else { return vectors }
        var random = SeededRandom(seed: seed)
        let start = vectors.gathering(random.sample(count, below: vectors.rows))
        return refine(start, on: vectors, iterations: iterations)
    }

    /// Lloyd's iterations on `vectors` (`[n][d]`) from the centroids `start` (`[k][d]`).
    static func refine(_ start: Matrix, on vectors: Matrix, iterations: Int) -> Matrix {
        var centroids = start
        var previous: [UInt32] = []
        for _ in 0..<iterations {
            let labels = CentroidTiles(centroids).nearest(to: vectors).labels
            // The same assignment gives the same means, so every later iteration would repeat this
            // one.
            if labels == previous { break }
            var sizes = update(&centroids, from: vectors, labels: labels)
            fillEmpty(&centroids, sizes: &sizes)
            previous = labels
        }
        return centroids
    }

    /// Moves each centroid to the mean of its vectors. Returns the clusters' sizes.
    private static func update(_ centroids: inout Matrix, from vectors: Matrix, labels: [UInt32])
        -> [Int]
    {
        let dimension = vectors.columns
        var sizes = [Int](repeating: 0, count: centroids.rows)
        var sums = [Double](repeating: 0, count: centroids.elements.count)
        for (row, label) in labels.enumerated() {
            sizes[Int(label)] += 1
            let target = Int(label) * dimension
            let source = row * dimension
            for column in 0..<dimension {
                sums[target + column] += Double(vectors.elements[source + column])
            }
        }
        for (centroid, size) in sizes.enumerated() where size > 0 {
            for place in centroid * dimension..<(centroid + 1) * dimension {
                centroids.elements[place] = Float(sums[place] / Double(size))
            }
        }
        return sizes
    }

    /// Gives each empty cluster half of the largest one, as Faiss does: both take its centroid,
    /// moved slightly in opposite directions, and the next assignment divides the vectors. Ties go
    /// to the lower cluster.
    private static func fillEmpty(_ centroids: inout Matrix, sizes: inout [Int]) {
        let dimension = centroids.columns
        for empty in sizes.indices where sizes[empty] == 0 {
            var largest = 0
            for cluster in sizes.indices where sizes[cluster] > sizes[largest] { largest = cluster }
            for column in 0..<dimension {
                let value = centroids.elements[largest * dimension + column]
                let step = column.isMultiple(of: 2) ? splitStep : -splitStep
                centroids.elements[empty * dimension + column] = value * (1 + step)
                centroids.elements[largest * dimension + column] = value * (1 - step)
            }
            sizes[empty] = sizes[largest] / 2
            sizes[largest] -= sizes[empty]
        }
    }
}
