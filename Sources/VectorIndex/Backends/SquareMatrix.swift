// The linear algebra that the mock backend's rotation needs, in double precision. Sums run in
// ascending order, so that the bits are the same on every machine.
import VectorCore

/// A square matrix, row-major `[size][size]`.
struct SquareMatrix: Sendable {
    let size: Int
    var elements: [Double]

    init(size: Int, element: (_ row: Int, _ column: Int) -> Double) {
        self.size = size
        elements = (0..<size * size).map { element($0 / size, $0 % size) }
    }

    /// The Frobenius norm.
    var norm: Double {
        elements.reduce(0) { $0 + $1 * $1 }.squareRoot()
    }

    /// The largest absolute difference from the identity matrix, over all elements.
    var distanceFromIdentity: Double {
        elements.indices.reduce(0) { largest, place in
            let expected: Double = place / size == place % size ? 1 : 0
            return max(largest, abs(elements[place] - expected))
        }
    }

    mutating func scale(by factor: Double) {
        for place in elements.indices { elements[place] *= factor }
    }

    mutating func add(_ other: SquareMatrix, times factor: Double) {
        for place in elements.indices { elements[place] += other.elements[place] * factor }
    }

    mutating func addIdentity(times factor: Double) {
        for row in 0..<size { elements[row * size + row] += factor }
    }

    /// `self x other`.
    func product(with other: SquareMatrix) -> SquareMatrix {
        SquareMatrix.sumOfOuterProducts(
            size: size, count: size, left: { elements[$1 * size + $0] },
            right: { other.elements[$0 * size + $1] })
    }

    /// `self^T x other`.
    func transposedProduct(with other: SquareMatrix) -> SquareMatrix {
        SquareMatrix.sumOfOuterProducts(
            size: size, count: size, left: { elements[$0 * size + $1] },
            right: { other.elements[$0 * size + $1] })
    }

    /// `left^T x right` of two `[n][size]` matrices.
    static func crossProduct(of left: Matrix, with right: Matrix) -> SquareMatrix {
        sumOfOuterProducts(
            size: left.columns, count: left.rows,
            left: { Double(left.elements[$0 * left.columns + $1]) },
            right: { Double(right.elements[$0 * right.columns + $1]) })
    }

    /// Multiplies every row `x` of `vectors` (`[n][size]`): `self x`.
    func rotating(_ vectors: Matrix) -> Matrix {
        var rotated = Matrix(rows: vectors.rows, columns: size)
        var sums = [Double](repeating: 0, count: size)
        for row in 0..<vectors.rows {
            for target in 0..<size { sums[target] = 0 }
            for column in 0..<size {
                let value = Double(vectors.elements[row * size + column])
                for target in 0..<size { sums[target] += value * elements[target * size + column] }
            }
            for target in 0..<size { rotated.elements[row * size + target] = Float(sums[target]) }
        }
        return rotated
    }

    /// The first `count` columns: `[size][count]`.
    func firstColumns(_ count: Int) -> Matrix {
        var columns = Matrix(rows: size, columns: count)
        for row in 0..<size {
            for column in 0..<count {
                columns.elements[row * count + column] = Float(elements[row * size + column])
            }
        }
        return columns
    }

    /// The sum over `index` below `count` of the outer products of `left(index, row)` and
    /// `right(index, column)`. It runs row by row, so that the inner loop has no dependent sums.
    @inline(__always)
    private static func sumOfOuterProducts(
        size: Int, count: Int, left: (Int, Int) -> Double, right: (Int, Int) -> Double
    ) -> SquareMatrix {
        var sums = [Double](repeating: 0, count: size * size)
        for index in 0..<count {
            for row in 0..<size {
                let factor = left(index, row)
                for column in 0..<size {
                    sums[row * size + column] += factor * right(index, column)
                }
            }
        }
        return SquareMatrix(size: size) { sums[$0 * size + $1] }
    }
}
