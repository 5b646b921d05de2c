// Writes the big-ann formats. A file appears under its name only when it is whole.
package import TesseraBase

/// Writes a `.fbin`, `.u8bin`, `.i8bin` or `.ibin`, row by row. For one thread.
///
/// Rows go to `<path>.partial`, which ``finish()`` renames; without it, the file is removed.
package final class VectorFileWriter {
    package let elementType: ElementType
    package let dimension: Int
    package private(set) var rows = 0
    private let target: String
    private let file: OpenFile
    private var isFinished = false

    /// - Parameter isPrivate: whether the file is for its owner alone.
    /// - Throws: `invalidArgument` for another extension or a dimension outside 1...65536.
    package init(path: String, dimension: Int, isPrivate: Bool = false) throws(TesseraError) {
        let format = try VectorFileFormat(path: path)
        guard !format.hasRowHeaders, let elementType = format.elementType else {
            throw TesseraError(
                .invalidArgument,
                "\(path): .\(format.rawValue) is read but not written: "
                    + "name it .fbin, .u8bin, .i8bin or .ibin")
        }
        guard dimension > 0, dimension <= RowLayout.dimensionLimit else {
            throw TesseraError(
                .invalidArgument,
                "\(path): dimension \(dimension) must be between 1 and \(RowLayout.dimensionLimit)")
        }
        self.elementType = elementType
        self.dimension = dimension
        target = path
        file = try OpenFile.creating(path + ".partial", isPrivate: isPrivate)
    }

    deinit {
        if !isFinished { file.remove() }
    }

    /// Appends rows, converted to the file's type.
    ///
    /// - Throws: `invalidArgument` for a value the type cannot hold, `resourceExhausted` on a full
    ///   disk.
    package func append(_ matrix: Matrix) throws(TesseraError) {
        precondition(matrix.columns == dimension, "the matrix must have the file's dimension")
        do {
            try append(raw: try ElementConversion.encode(matrix.elements, as: elementType))
        } catch  where error.code == .invalidArgument {
            throw TesseraError(.invalidArgument, "\(target), from row \(rows) on", cause: error)
        }
    }

    /// Appends rows of integers to a `.ibin`.
    package func append(_ matrix: IntegerMatrix) throws(TesseraError) {
        precondition(elementType == .i32 && matrix.columns == dimension, "the file must be a .ibin")
        try append(raw: ElementConversion.littleEndian(matrix.elements))
    }

    /// Appends rows as they are stored, `[count][dimension]` of the element type, little-endian.
    package func append(raw: [UInt8]) throws(TesseraError) {
        precondition(!isFinished, "the file is finished")
        let rowBytes = dimension * elementType.size
        precondition(raw.count.isMultiple(of: rowBytes), "raw must hold whole rows")
        guard rows + raw.count / rowBytes <= Int(UInt32.max) else {
            throw TesseraError(
                .invalidArgument, "\(target): the format holds at most \(UInt32.max) rows")
        }
        try file.write(raw, at: 8 + rows * rowBytes)
        rows += raw.count / rowBytes
    }

    /// Writes the header and gives the file its name. Throws `invalidArgument` without rows.
    ///
    /// - Parameter isDurable: whether all is on the disk before the file has its name.
    package func finish(isDurable: Bool = false) throws(TesseraError) {
        guard rows > 0 else {
            throw TesseraError(.invalidArgument, "\(target) would have no rows")
        }
        var header = ByteWriter()
        header.integer(UInt32(rows))
        header.integer(UInt32(dimension))
        try file.write(header.bytes, at: 0)
        if isDurable { try file.synchronise() }
        try file.rename(to: target)
        isFinished = true
    }

    /// Writes a whole matrix to a file.
    package static func write(_ matrix: Matrix, to path: String) throws(TesseraError) {
        let writer = try VectorFileWriter(path: path, dimension: matrix.columns)
        try writer.append(matrix)
        try writer.finish()
    }

    /// Writes ground truth to a `.ibin`.
    package static func write(_ matrix: IntegerMatrix, to path: String) throws(TesseraError) {
        let writer = try VectorFileWriter(path: path, dimension: matrix.columns)
        try writer.append(matrix)
        try writer.finish()
    }
}
