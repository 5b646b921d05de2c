// Least squares without negative coefficients, since each stands for a time or an amount of memory.

/// Finds x >= 0 such that A x is near y.
package enum NonNegativeFit {
    private static let sweeps = 20_000
    private static let settled = 1e-12

    /// Coordinate descent on the normal equations, with errors relative to `targets`.
    ///
    /// - Parameters:
    ///   - rows: `[observations][features]`.
    ///   - targets: `[observations]`; those not above zero are left out.
    package static func solve(_ rows: [[Double]], _ targets: [Double]) -> [Double] {
        let seen = zip(rows, targets).filter { $0.1 > 0 }
        let scaled = seen.map { row, target in row.map { $0 / target } }
        let count = rows.first?.count ?? 0
        var products = [[Double]](repeating: [Double](repeating: 0, count: count), count: count)
        var sums = [Double](repeating: 0, count: count)
        for row in scaled {
            for first in 0..<count {
                sums[first] += row[first]
                for second in 0..<count { products[first][second] += row[first] * row[second] }
            }
        }
        var x = [Double](repeating: 0, count: count)
        for _ in 0..<sweeps {
            var largest = 0.0
            for place in 0..<count where products[place][place] > 0 {
                let slope = (0..<count).reduce(-sums[place]) { $0 + products[place][$1] * x[$1] }
                let next = max(0, x[place] - slope / products[place][place])
                // The change as a share of a target.
                let change = abs(next - x[place]) * products[place][place].squareRoot()
                largest = max(largest, change)
                x[place] = next
            }
            if largest < settled { break }
        }
        return x
    }
}
