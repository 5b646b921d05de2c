// Where the external ids of a build come from: a file, or the row numbers themselves.
package import TesseraBase
package import VectorCore

/// The external id of every row.
package enum ExternalIds: Sendable {
    /// The id of a row is its number in decimal.
    case rowNumbers(Int)
    case file(IdFile)

    /// The ids of a vector file: those of the id file at `path`, or row numbers without one.
    ///
    /// - Throws: `invalidArgument` when the two files' counts differ, and what ``IdFile/open(path:)``
    ///   throws. Duplicates are looked for by ``DuplicateIds``.
    package static func open(
        path: String?, vectors: VectorFile
    ) throws(TesseraError) -> ExternalIds {
        guard let path else { return .rowNumbers(vectors.rows) }
        let ids = ExternalIds.file(try IdFile.open(path: path))
        try ids.requireCount(vectors.rows, of: vectors.path)
        return ids
    }

    package var count: Int {
        switch self {
        case .rowNumbers(let count): count
        case .file(let file): file.count
        }
    }

    /// The UTF-8 bytes of a row's id.
    package func bytes(_ row: Int) throws(TesseraError) -> [UInt8] {
        precondition(row >= 0 && row < count, "no such row")
        switch self {
        case .rowNumbers: return Array(String(row).utf8)
        case .file(let file): return try file.bytes(row)
        }
    }

    /// The id of a row.
    package func id(_ row: Int) throws(TesseraError) -> String {
        String(decoding: try bytes(row), as: UTF8.self)
    }

    /// Calls `body` with the rows of a range and their ids' bytes, in order.
    package func forEach(
        in range: Range<Int>, _ body: (Int, RawSpan) throws(TesseraError) -> Void
    ) throws(TesseraError) {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "no such rows")
        switch self {
        case .file(let file): try file.forEach(in: range, body)
        case .rowNumbers:
            for row in range { try unsafe body(row, Array(String(row).utf8).span.bytes) }
        }
    }

    /// Throws `invalidArgument` unless there is an id for each of `rows` vectors of `vectors`.
    private func requireCount(_ rows: Int, of vectors: String) throws(TesseraError) {
        guard case .file(let file) = self, file.count != rows else { return }
        throw TesseraError(
            .invalidArgument,
            "\(file.path) has \(file.count) ids, \(vectors) has \(rows) rows: "
                + "each row needs one id, in the same order")
    }
}
