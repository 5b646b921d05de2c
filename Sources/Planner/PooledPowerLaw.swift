// Fits many short and noisy curves over the size of an index together: each has its own height, and
// all share the exponents.
import Foundation

/// Laws ln y = a + b1 x1 + b2 x2 + …, with one `a` per cell and shared other coefficients. If x is
/// the logarithm of a size, this is a power law; the square of x lets it bend.
///
/// Weighted least squares on logarithms: the heights are eliminated by centring within cells, which
/// leaves a small linear system.
package struct PooledPowerLaw: Sendable {
    /// A value of one cell at one size.
    package struct Observation: Sendable {
        let cell: Int
        let terms: [Double]
        let value: Double
        /// Weight of the value's logarithm.
        let weight: Double

        package init(cell: Int, terms: [Double], value: Double, weight: Double) {
            (self.cell, self.terms) = (cell, terms)
            (self.value, self.weight) = (value, weight)
        }
    }

    /// Ridge that sets undetermined coefficients to 0: what was not observed to change is predicted
    /// not to.
    private static let ridge = 1e-6

    package private(set) var exponents: [Double]
    private var heights: [Int: Double] = [:]

    /// Fits the laws. Observations without a positive value or weight are left out.
    package init(_ observations: [Observation]) {
        let known = observations.filter { $0.value > 0 && $0.weight > 0 }
        let cells = Dictionary(grouping: known, by: \.cell)
        let count = known.first?.terms.count ?? 0
        var matrix = [[Double]](repeating: [Double](repeating: 0, count: count), count: count)
        var target = [Double](repeating: 0, count: count)
        var middles: [Int: (x: [Double], y: Double)] = [:]
        for cell in cells.keys.sorted() {
            let members = (cells[cell] ?? []).map { (x: $0.terms, y: log($0.value), w: $0.weight) }
            let weight = members.reduce(0) { $0 + $1.w }
            let x = (0..<count).map { term in members.reduce(0) { $0 + $1.w * $1.x[term] } / weight
            }
            let y = members.reduce(0) { $0 + $1.w * $1.y } / weight
            middles[cell] = (x, y)
            for member in members {
                let dx = zip(member.x, x).map { $0 - $1 }
                for row in 0..<count {
                    target[row] += member.w * dx[row] * (member.y - y)
                    for column in 0..<count {
                        matrix[row][column] += member.w * dx[row] * dx[column]
                    }
                }
            }
        }
        let scale = (0..<count).reduce(0) { $0 + matrix[$1][$1] }
        for row in 0..<count { matrix[row][row] += Self.ridge * scale + .leastNormalMagnitude }
        exponents = Self.solve(matrix, target)
        for (cell, middle) in middles {
            heights[cell] = middle.y - zip(middle.x, exponents).reduce(0) { $0 + $1.0 * $1.1 }
        }
    }

    /// The curve of a cell; nil without observations of it.
    package func value(cell: Int, _ terms: [Double]) -> Double? {
        heights[cell].map { height in
            exp(zip(terms, exponents).reduce(height) { $0 + $1.0 * $1.1 })
        }
    }

    /// Gaussian elimination with the largest pivot; a direction without one gets 0.
    private static func solve(_ matrix: [[Double]], _ target: [Double]) -> [Double] {
        var rows = zip(matrix, target).map { $0.0 + [$0.1] }
        let count = target.count
        for column in 0..<count {
            let pivot = (column..<count).max { abs(rows[$0][column]) < abs(rows[$1][column]) }
            guard let pivot, abs(rows[pivot][column]) > 0 else { continue }
            rows.swapAt(column, pivot)
            for row in 0..<count where row != column {
                let factor = rows[row][column] / rows[column][column]
                guard factor != 0 else { continue }
                for place in column...count { rows[row][place] -= factor * rows[column][place] }
            }
        }
        return (0..<count).map { rows[$0][$0] == 0 ? 0 : rows[$0][count] / rows[$0][$0] }
    }
}
