// The transform from a user's vector to the space of the product quantizer: zero padding or a
// rotation.
package import VectorCore

/// Maps the user's dimension to the quantizer's padded dimension. One transform serves a whole
/// index.
package enum InputTransform: Sendable, Equatable {
    /// Appends zeros.
    case padding(from: Int, to: Int)
    /// Multiplies by an orthonormal matrix `[paddedDimension][dimension]`, which preserves
    /// distances.
    case rotation(Matrix)

    package var outputDimension: Int {
        switch self {
        case .padding(_, let padded): padded
        case .rotation(let matrix): matrix.rows
        }
    }

    package var inputDimension: Int {
        switch self {
        case .padding(let dimension, _): dimension
        case .rotation(let matrix): matrix.columns
        }
    }

    /// Transforms `[rows][inputDimension]` to `[rows][outputDimension]`.
    package func apply(_ vectors: Matrix) -> Matrix {
        precondition(vectors.columns == inputDimension, "the vectors must have the input dimension")
        guard case .rotation = self else {
            return outputDimension == inputDimension ? vectors : padded(vectors)
        }
        var result = Matrix(rows: vectors.rows, columns: outputDimension)
        for row in 0..<vectors.rows {
            rotate(vectors.row(row), into: &result.elements, at: row * outputDimension)
        }
        return result
    }

    private func padded(_ vectors: Matrix) -> Matrix {
        var result = Matrix(rows: vectors.rows, columns: outputDimension)
        for row in 0..<vectors.rows {
            let start = row * outputDimension
            result.elements.replaceSubrange(
                start..<start + inputDimension, with: vectors.row(row))
        }
        return result
    }

    private func rotate(_ vector: ArraySlice<Float>, into output: inout [Float], at start: Int) {
        guard case .rotation(let matrix) = self else { return }
        for component in 0..<outputDimension {
            output[start + component] = Kernels.dot(matrix.row(component).span, vector.span)
        }
    }
}
