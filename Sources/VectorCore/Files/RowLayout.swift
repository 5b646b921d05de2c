// Where the rows of a vector file are, as its checked header says.
import TesseraBase

/// The place of every row: row r's components begin at `dataOffset + r * stride + rowHeader`.
struct RowLayout: Equatable {
    /// No model has more dimensions; a header with more is taken for garbage.
    static let dimensionLimit = 65_536

    let elementType: ElementType
    let rows: Int
    let dimension: Int
    let dataOffset: Int
    /// Bytes before each row: 4 where every row is led by its dimension.
    var rowHeader = 0

    var rowBytes: Int { dimension * elementType.size }
    var stride: Int { rowHeader + rowBytes }

    /// Reads the header of a file. Throws `invalidArgument` unless it fits the file's size exactly.
    static func reading(_ head: FileHead) throws(TesseraError) -> RowLayout {
        switch head.format {
        case .npy: try NumpyHeader.layout(of: head)
        case .fvecs, .bvecs, .ivecs: try rowHeaderLayout(of: head)
        case .fbin, .u8bin, .i8bin, .ibin: try binLayout(of: head)
        }
    }

    private static func rowHeaderLayout(of head: FileHead) throws(TesseraError) -> RowLayout {
        let elementType = head.format.elementType ?? .f32
        guard let dimension = head.int32(at: 0) else {
            throw head.refusal("has \(head.size) bytes, too few for the dimension of row 0")
        }
        try head.checkDimension(dimension, "row 0 says its dimension is")
        let stride = 4 + dimension * elementType.size
        let (rows, rest) = head.size.quotientAndRemainder(dividingBy: stride)
        guard rest == 0 else {
            throw head.refusal(
                "row 0 says its dimension is \(dimension), so a row takes \(stride) bytes; the file "
                    + "has \(head.size), which is \(rows) whole rows and \(rest) bytes",
                otherwise: "row \(rows) was cut off: copy or write the file again")
        }
        if let second = head.int32(at: stride), second != dimension {
            throw head.refusal(
                "row 0 says its dimension is \(dimension), row 1 says \(second)",
                otherwise: "all rows need one dimension")
        }
        return RowLayout(
            elementType: elementType, rows: rows, dimension: dimension, dataOffset: 0, rowHeader: 4)
    }

    private static func binLayout(of head: FileHead) throws(TesseraError) -> RowLayout {
        let elementType = head.format.elementType ?? .f32
        guard let rows = head.uint32(at: 0), let columns = head.uint32(at: 4) else {
            throw head.refusal(
                "has \(head.size) bytes, too few for the 8 that hold the counts of rows and columns"
            )
        }
        let layout = RowLayout(
            elementType: elementType, rows: rows, dimension: columns, dataOffset: 8)
        try layout.check(head)
        return layout
    }

    /// Throws unless the counts are usable and the rows fill the file to its last byte.
    func check(_ head: FileHead) throws(TesseraError) {
        guard rows > 0 else { throw head.refusal("its header promises 0 rows") }
        try head.checkDimension(dimension, "its header promises a dimension of")
        let (content, overflows) = rows.multipliedReportingOverflow(by: rowBytes)
        let (needed, tooLong) = content.addingReportingOverflow(dataOffset)
        guard !overflows, !tooLong else {
            throw head.refusal(
                "its header promises \(rows) x \(dimension), more than any file holds")
        }
        if needed == head.size { return }
        // Ground truth of the big-ann benchmarks has the distances behind the row numbers.
        if head.format == .ibin && needed + content == head.size { return }
        let whole = max(0, head.size - dataOffset) / stride
        throw head.refusal(
            "a .\(head.format.rawValue) of \(rows) x \(dimension) \(elementType.name) needs "
                + "\(needed) bytes, the file has \(head.size)",
            otherwise: head.size < needed
                ? "it was cut off in row \(whole): copy or write it again"
                : "\(head.size - needed) bytes follow the last row: write it again")
    }
}
