// Ground truth: for every query the row numbers of its true neighbours.
package import TesseraBase

/// Row numbers in rows: `elements` is `[rows][columns]`, row-major.
package struct IntegerMatrix: Sendable, Equatable {
    package let rows: Int
    package let columns: Int
    package let elements: [Int32]

    /// - Precondition: `elements.count == rows * columns`.
    package init(rows: Int, columns: Int, elements: [Int32]) {
        precondition(elements.count == rows * columns, "elements must be rows x columns")
        self.rows = rows
        self.columns = columns
        self.elements = elements
    }

    /// Row `row` without a copy.
    package func row(_ row: Int) -> ArraySlice<Int32> {
        elements[row * columns..<(row + 1) * columns]
    }

    /// Reads a whole `.ivecs`, `.ibin` or int32 `.npy`. The distances that big-ann's ground truth
    /// has behind the row numbers are passed over.
    ///
    /// - Throws: `notFound`, `unavailable` or `invalidArgument`.
    package static func read(path: String) throws(TesseraError) -> IntegerMatrix {
        let source = try MappedRows(path: path)
        guard source.layout.elementType == .i32 else {
            throw TesseraError(
                .invalidArgument,
                "\(path) holds \(source.layout.elementType.name); ground truth is int32: "
                    + "a .ivecs, a .ibin, or np.save('truth.npy', x.astype('<i4'))")
        }
        return IntegerMatrix(
            rows: source.layout.rows, columns: source.layout.dimension,
            elements: ElementConversion.integers(try source.raw(0..<source.layout.rows)))
    }
}
