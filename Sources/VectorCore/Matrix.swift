// Row-major float32 matrices, as readers, backends and the index exchange them.

/// Vectors in rows: `elements` is `[rows][columns]`, row-major.
package struct Matrix: Sendable, Equatable {
    package let rows: Int
    package let columns: Int
    package var elements: [Float]

    /// - Precondition: `elements.count == rows * columns`.
    package init(rows: Int, columns: Int, elements: [Float]) {
        precondition(elements.count == rows * columns, "elements must be rows x columns")
        self.rows = rows
        self.columns = columns
        self.elements = elements
    }

    /// A matrix of zeros.
    package init(rows: Int, columns: Int) {
        self.init(
            rows: rows, columns: columns, elements: [Float](repeating: 0, count: rows * columns))
    }

    /// Row `row` without a copy.
    package func row(_ row: Int) -> ArraySlice<Float> {
        elements[row * columns..<(row + 1) * columns]
    }

    /// The named rows, in the order given.
    package func gathering(_ indices: [Int]) -> Matrix {
        var gathered = Matrix(rows: indices.count, columns: columns)
        for (target, source) in indices.enumerated() {
            for column in 0..<columns {
                gathered.elements[target * columns + column] = elements[source * columns + column]
            }
        }
        return gathered
    }
}
