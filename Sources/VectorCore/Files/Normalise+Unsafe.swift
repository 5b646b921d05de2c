// Unit length for the cosine metric.
package import TesseraBase

/// Brings every row to unit length.
///
/// Sums in double, in a fixed order, so the result is the same on every machine, and neither tiny
/// nor huge components vanish or overflow.
///
/// - Parameters:
///   - firstRow: the number of the matrix's row 0 in `file`, for the message.
/// - Complexity: O(rows x columns).
/// - Throws: `invalidArgument` naming the first row of zeros, which has no direction.
package func normalise(
    _ matrix: inout Matrix, firstRow: Int, file: String
) throws(TesseraError) {
    let (rows, columns) = (matrix.rows, matrix.columns)
    let zeroRow = matrix.elements.withUnsafeMutableBufferPointer { elements -> Int? in
        for row in 0..<rows {
            let vector = UnsafeMutableBufferPointer(
                rebasing: elements[row * columns..<(row + 1) * columns])
            let length = squaredLength(vector).squareRoot()
            if length == 0 { return row }
            let scale = 1 / length
            for column in 0..<columns { vector[column] = Float(Double(vector[column]) * scale) }
        }
        return nil
    }
    guard let zeroRow else { return }
    throw TesseraError(
        .invalidArgument,
        "\(file): row \(firstRow + zeroRow) is all zeros, which has no direction for the cosine "
            + "metric: leave it out, x = x[x.any(axis=1)], or use --metric l2")
}

private func squaredLength(_ vector: UnsafeMutableBufferPointer<Float>) -> Double {
    var lanes = SIMD4<Double>()
    let whole = vector.count & ~3
    for column in stride(from: 0, to: whole, by: 4) {
        let part = SIMD4<Double>(
            Double(vector[column]), Double(vector[column + 1]), Double(vector[column + 2]),
            Double(vector[column + 3]))
        lanes += part * part
    }
    var sum = lanes.sum()
    for column in whole..<vector.count { sum += Double(vector[column]) * Double(vector[column]) }
    return sum
}
