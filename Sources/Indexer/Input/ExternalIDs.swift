// The external ids of a build, by row number.
package import TesseraBase
package import VectorCore

/// The external id of every row.
package enum ExternalIDs: Sendable {
    /// The id of a row is its number in decimal.
    case rowNumbers(Int)
    case file(IDFile)
    case spooled(IDSpool)

    /// The ids of a vector file: those of the id file at `path`, or row numbers without one.
    ///
    /// - Throws: `invalidArgument` when the two files' counts differ, and what
    ///   ``IDFile/open(path:)`` throws. Duplicates are looked for by ``DuplicateIDs``.
    package static func open(
        path: String?, vectors: VectorFile
    ) throws(TesseraError) -> ExternalIDs {
        guard let path else { return .rowNumbers(vectors.rows) }
        let ids = ExternalIDs.file(try IDFile.open(path: path))
        try ids.requireCount(vectors.rows, of: vectors.path)
        return ids
    }

    /// The number of ids.
    package var count: Int {
        switch self {
        case .rowNumbers(let count): count
        case .file(let file): file.count
        case .spooled(let spool): spool.count
        }
    }

    /// Source of the ids, as errors name it.
    package var name: String {
        switch self {
        case .rowNumbers: "row numbers"
        case .file(let file): file.path
        case .spooled(let spool): spool.name
        }
    }

    /// The UTF-8 bytes of a row's id.
    package func bytes(_ row: Int) throws(TesseraError) -> [UInt8] {
        precondition(row >= 0 && row < count, "no such row")
        switch self {
        case .rowNumbers: return Array(String(row).utf8)
        case .file(let file): return try file.bytes(row)
        case .spooled(let spool): return try spool.bytes(row)
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
        case .spooled(let spool): try spool.forEach(in: range, body)
        case .rowNumbers:
            for row in range { try unsafe body(row, Array(String(row).utf8).span.bytes) }
        }
    }

    /// Throws `invalidArgument` unless there is an id for each of the `rows` rows of `vectors`.
    func requireCount(_ rows: Int, of vectors: String) throws(TesseraError) {
        guard count != rows else { return }
        throw TesseraError(
            .invalidArgument,
            "\(name) has \(count) ids, \(vectors) has \(rows) rows: "
                + "each row needs one id, in the same order")
    }
}
