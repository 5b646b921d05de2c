// Vectors in a file, read a range at a time: the input of training, of publishing and of queries.
package import TesseraBase

/// An open vector file, `[rows][dimension]` of `elementType`. It is mapped, never loaded whole; any
/// number of threads may read from it.
package struct VectorFile: Sendable {
    package let path: String
    private let source: MappedRows

    package var rows: Int { source.layout.rows }
    package var dimension: Int { source.layout.dimension }
    package var elementType: ElementType { source.layout.elementType }
    /// Bytes of a row in ``rawRows(_:)``: `dimension * elementType.size`.
    package var rowBytes: Int { source.layout.rowBytes }

    /// Opens `.fvecs .bvecs .fbin .u8bin .i8bin` and `.npy`.
    ///
    /// - Throws: `notFound`, `unavailable`, or `invalidArgument` where the file is not what its
    ///   name and header promise; the message guesses what it is instead.
    package static func open(path: String) throws(TesseraError) -> VectorFile {
        let source = try MappedRows(path: path)
        guard source.layout.elementType != .i32 else {
            throw TesseraError(
                .invalidArgument,
                "\(path) holds int32, which is for ground truth; "
                    + "save vectors with np.save('vectors.npy', x.astype('<f4'))")
        }
        return VectorFile(path: path, source: source)
    }

    /// A range of rows as float32.
    ///
    /// - Throws: `invalidArgument` naming row, column and value of a NaN or an infinity.
    /// - Precondition: the rows exist.
    package func read(rows range: Range<Int>) throws(TesseraError) -> Matrix {
        try matrix(of: try rawRows(range), firstRow: range.lowerBound)
    }

    /// Chosen rows as float32, in the order given; ascending rows are fastest. Throws as the range
    /// does.
    package func read(rows: [Int]) throws(TesseraError) -> Matrix {
        try matrix(of: try source.raw(rows)) { rows[$0] }
    }

    /// A range of rows as they are stored, `[range.count][rowBytes]`, without .fvecs' row headers.
    package func rawRows(_ range: Range<Int>) throws(TesseraError) -> [UInt8] {
        try source.raw(range)
    }

    /// Chosen rows as they are stored, in the order given; ascending rows are fastest.
    package func rawRows(at rows: [Int]) throws(TesseraError) -> [UInt8] {
        try source.raw(rows)
    }

    /// Rows from ``rawRows(_:)`` as float32, checked as ``read(rows:)`` does: for callers that need
    /// both.
    package func matrix(of raw: [UInt8], firstRow: Int) throws(TesseraError) -> Matrix {
        try matrix(of: raw) { firstRow + $0 }
    }

    /// Stored rows as float32, unchecked: for bytes that came from a file already checked.
    ///
    /// - Precondition: `raw` holds whole rows.
    package static func decode(
        raw: [UInt8], elementType: ElementType, dimension: Int
    ) -> Matrix {
        let rowBytes = dimension * elementType.size
        precondition(raw.count.isMultiple(of: rowBytes), "raw must hold whole rows")
        return Matrix(
            rows: raw.count / rowBytes, columns: dimension,
            elements: ElementConversion.decode(raw, as: elementType))
    }

    private func matrix(
        of raw: [UInt8], rowNumber: (Int) -> Int
    ) throws(TesseraError) -> Matrix {
        try VectorFile.finite(
            raw: raw, elementType: elementType, dimension: dimension, name: path,
            rowNumber: rowNumber)
    }

    /// Stored rows as float32, checked to be finite.
    ///
    /// - Parameters:
    ///   - name: what the rows come from, for the message.
    ///   - rowNumber: from a row of `raw` to its number there.
    /// - Throws: `invalidArgument` naming row, column and value of a NaN or an infinity.
    package static func finite(
        raw: [UInt8], elementType: ElementType, dimension: Int, name: String,
        rowNumber: (Int) -> Int
    ) throws(TesseraError) -> Matrix {
        let matrix = decode(raw: raw, elementType: elementType, dimension: dimension)
        // Integers have no NaN.
        guard elementType == .f32 || elementType == .f16,
            let index = ElementConversion.firstNonFinite(matrix.elements)
        else { return matrix }
        throw TesseraError(
            .invalidArgument,
            "\(name): row \(rowNumber(index / dimension)), column \(index % dimension) is "
                + "\(matrix.elements[index]); vectors must be finite: leave such rows out, "
                + "x = x[np.isfinite(x).all(axis=1)]")
    }
}
