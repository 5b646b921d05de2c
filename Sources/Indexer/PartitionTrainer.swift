// Finds the cells of the global partition on a sample: k-means, after which large cells are split
// and tiny ones dropped.
import TesseraBase
import VectorCore
import VectorIndex

/// Trains the partition's centroids.
package struct PartitionTrainer: Sendable {
    /// Iterations of k-means over the whole sample.
    package static let iterations = 12
    private static let samplesPerCell = 256
    /// Largest sample, in bytes.
    private static let sampleBudget = 1 << 30
    /// Rounds of splitting and dropping. Each is cheap; the exact bound is enforced later, on all
    /// vectors.
    private static let rounds = 8

    let backend: any IndexBackend
    let seed: UInt64

    /// Rows to draw for `cells` cells of `dimension`.
    package static func sampleSize(cells: Int, dimension: Int) -> Int {
        max(min(cells * samplesPerCell * 4, sampleBudget / (4 * dimension)), cells * 4)
    }

    /// Centroids of about `cells` cells of similar size: `[cells][d]`.
    func train(_ sample: Matrix, cells: Int) throws(TesseraError) -> Matrix {
        guard cells > 1 else {
            return Matrix(
                rows: 1, columns: sample.columns, elements: ShardTrainer.mean(of: sample))
        }
        var centroids = try backend.trainCentroids(
            sample, count: min(cells, sample.rows), iterations: Self.iterations, seed: seed)
        for round in 0..<Self.rounds {
            let labels = try backend.assign(sample, to: centroids).labels
            let members = Assignments.members(labels, centroids: centroids.rows)
            guard
                let balanced = try balance(
                    sample, centroids, members, target: sample.rows / cells, round: round)
            else { break }
            centroids = balanced
        }
        return centroids
    }

    /// One round: cells above 1.3 x the target are split, cells below a tenth of it go; nil if
    /// nothing changes.
    private func balance(
        _ sample: Matrix, _ centroids: Matrix, _ members: [[Int]], target: Int, round: Int
    ) throws(TesseraError) -> Matrix? {
        var elements: [Float] = []
        var changed = false
        for (cell, rows) in members.enumerated() {
            if rows.count * 10 < target {
                changed = true
            } else if Double(rows.count) > 1.3 * Double(target), rows.count >= 8 {
                let parts = max(2, (rows.count + target / 2) / max(1, target))
                let split = try backend.trainCentroids(
                    sample.gathering(rows), count: min(parts, rows.count),
                    iterations: Self.iterations, seed: seed &+ UInt64(round * 1_000_003 + cell))
                elements += split.elements
                changed = true
            } else {
                elements += centroids.row(cell)
            }
        }
        guard changed, !elements.isEmpty else { return nil }
        return Matrix(
            rows: elements.count / centroids.columns, columns: centroids.columns,
            elements: elements)
    }
}
