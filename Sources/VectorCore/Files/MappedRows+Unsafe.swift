// Rows of a mapped file as bytes, for all formats: the one place that computes a row's offset.
import TesseraBase

/// The rows of an open vector or ground-truth file.
struct MappedRows: Sendable {
    let file: MappedFile
    let layout: RowLayout

    /// Maps a file and checks that its size is what its header promises.
    init(path: String) throws(TesseraError) {
        let format = try VectorFileFormat(path: path)
        file = try MappedFile(path: path)
        layout = try RowLayout.reading(
            FileHead(
                path: path, format: format, bytes: try file.head(FileHead.length), size: file.count)
        )
    }

    /// Rows' bytes without row headers, `[range.count][rowBytes]`.
    ///
    /// - Throws: `invalidArgument` for a row whose own header has another dimension.
    func raw(_ range: Range<Int>) throws(TesseraError) -> [UInt8] {
        precondition(range.lowerBound >= 0 && range.upperBound <= layout.rows, "no such rows")
        let bytes = try copy(count: range.count) { range.lowerBound + $0 }
        let start = layout.dataOffset + range.lowerBound * layout.stride
        file.release(start..<start + range.count * layout.stride)
        return bytes
    }

    /// The bytes of chosen rows, in the order given; ascending rows are fastest.
    func raw(_ rows: [Int]) throws(TesseraError) -> [UInt8] {
        precondition(rows.allSatisfy { $0 >= 0 && $0 < layout.rows }, "no such row")
        // Read-ahead fetches 128 KiB a row, in vain if the chosen rows lie farther apart than that.
        let isSparse = file.count / max(1, rows.count) > 128 << 10
        if isSparse { file.readAhead(false) }
        defer {
            if isSparse { file.readAhead(true) }
            file.release(0..<file.count)
        }
        return try copy(count: rows.count) { rows[$0] }
    }

    private func copy(
        count: Int, rowAt: (Int) -> Int
    ) throws(TesseraError) -> [UInt8] {
        let layout = layout
        return try file.withBytes { (source) throws(TesseraError) in
            var faulty: (row: Int, dimension: Int)?
            let bytes = [UInt8](unsafeUninitializedCapacity: count * layout.rowBytes) {
                target, filled in
                for index in 0..<count {
                    let row = rowAt(index)
                    let start = layout.dataOffset + row * layout.stride
                    if layout.rowHeader > 0 {
                        let dimension = Int(
                            Int32(
                                littleEndian: source.loadUnaligned(
                                    fromByteOffset: start, as: Int32.self)))
                        if dimension != layout.dimension && faulty == nil {
                            faulty = (row, dimension)
                        }
                    }
                    let first = start + layout.rowHeader
                    UnsafeMutableRawBufferPointer(
                        rebasing: UnsafeMutableRawBufferPointer(target)[
                            (index * layout.rowBytes)...]
                    ).copyMemory(
                        from: UnsafeRawBufferPointer(
                            rebasing: source[first..<first + layout.rowBytes]))
                }
                filled = count * layout.rowBytes
            }
            guard let faulty else { return bytes }
            throw TesseraError(
                .invalidArgument,
                "\(file.path): row \(faulty.row) says its dimension is \(faulty.dimension), row 0 says "
                    + "\(layout.dimension): all rows need one dimension; write the file again")
        }
    }
}
