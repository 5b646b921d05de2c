// External ids of a source that only yields them in order, kept in a nameless scratch file so that
// they can be looked up by row. Memory holds only the offset of every 64th id.
package import TesseraBase
import VectorCore

/// Ids by row number. Any number of threads may read; the file vanishes with the last reference.
package struct IDSpool: Sendable {
    private static let idsPerMark = 64
    /// Ids that are asked of a source at once.
    private static let batchRows = 1 << 16

    /// The source, as errors name it.
    package let name: String
    package let count: Int
    private let file: OpenFile
    /// Offset of id `64 * i`, then the end of the file.
    private let marks: [Int]

    /// Reads all ids of `source` into a file in `scratchFolder`.
    ///
    /// - Throws: `invalidArgument` for an id that no index can hold, with its row; what the source
    ///   throws.
    static func collect(
        _ source: any VectorSource, scratchFolder: String, pool: WorkPool,
        progress: @escaping ProgressHandler
    ) async throws(TesseraError) -> IDSpool {
        let file = try OpenFile.nameless(in: scratchFolder)
        var count = 0
        var end = 0
        var marks: [Int] = []
        while true {
            let batch = try await source.ids(from: count, atMost: batchRows, on: pool)
            guard !batch.isEmpty else { break }
            let (first, start) = (count, end)
            let part = try await pool.run { () throws(TesseraError) in
                let part = try Part(batch, firstRow: first, offset: start, source: source.name)
                try file.write(part.bytes, at: start)
                return part
            }
            marks += part.marks
            count += batch.count
            end += part.bytes.count
            progress(
                ProgressUpdate(
                    phase: "reading ids", completed: count, total: source.count ?? count,
                    unit: "ids"))
        }
        return IDSpool(name: source.name, count: count, file: file, marks: marks + [end])
    }

    /// The UTF-8 bytes of a row's id. O(64 ids).
    package func bytes(_ row: Int) throws(TesseraError) -> [UInt8] {
        var found: [UInt8] = []
        try forEach(in: row..<row + 1) { _, id in
            found = unsafe id.withUnsafeBytes { unsafe Array($0) }
        }
        return found
    }

    /// Calls `body` with the rows of a range and their ids' bytes, in order.
    package func forEach(
        in range: Range<Int>, _ body: (Int, RawSpan) throws(TesseraError) -> Void
    ) throws(TesseraError) {
        guard !range.isEmpty else { return }
        for mark in range.lowerBound / Self.idsPerMark...(range.upperBound - 1) / Self.idsPerMark {
            var reader = ByteReader(
                try file.bytes(marks[mark + 1] - marks[mark], at: marks[mark]), what: "scratch")
            let first = mark * Self.idsPerMark
            for row in first..<min(first + Self.idsPerMark, range.upperBound) {
                let id = Array(try reader.take(Int(try reader.integer(UInt16.self))))
                if row >= range.lowerBound { unsafe try body(row, id.span.bytes) }
            }
        }
    }

    /// A batch of ids as the file holds them, each behind its length in two bytes.
    private struct Part: Sendable {
        let bytes: [UInt8]
        let marks: [Int]

        init(
            _ ids: [[UInt8]], firstRow: Int, offset: Int, source: String
        ) throws(TesseraError) {
            var writer = ByteWriter()
            var marks: [Int] = []
            for (index, id) in ids.enumerated() {
                let row = firstRow + index
                if let fault = IDFile.fault(in: id) {
                    throw TesseraError(
                        .invalidArgument, "\(source): the id of row \(row) \(fault)")
                }
                if row.isMultiple(of: idsPerMark) { marks.append(offset + writer.count) }
                writer.integer(UInt16(id.count))
                writer.append(id)
            }
            bytes = writer.bytes
            self.marks = marks
        }
    }
}
