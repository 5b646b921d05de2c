// External ids from a text file: one a line. The file stays mapped; memory holds only the offset of
// every 256th line, 31 MB for a billion ids.
import Glibc
package import TesseraBase

/// A file with one id a line, checked from end to end when it was opened. Row r is line r + 1.
///
/// Lines end in `\n` or `\r\n`; the last may end without. Any number of threads may read from it.
package struct IDFile: Sendable {
    /// Longest id, in bytes.
    package static let lengthLimit = 512
    private static let linesPerMark = 256
    /// Bytes a pass reads before it releases its pages.
    private static let releaseStride = 16 << 20

    package let path: String
    package let count: Int
    private let file: MappedFile
    /// Offset of line `256 * i`.
    private let marks: [Int]

    /// Opens and checks a file of ids. O(bytes).
    ///
    /// - Throws: `invalidArgument` for an empty or too long id, invalid UTF-8 or a control
    ///   character, with the row and the line.
    package static func open(path: String) throws(TesseraError) -> IDFile {
        let file = try MappedFile(path: path)
        var marks: [Int] = []
        var count = 0
        try walk(file, from: 0, firstRow: 0) { (row, offset, line) throws(TesseraError) in
            if row.isMultiple(of: linesPerMark) { marks.append(offset) }
            count = row + 1
            guard let fault = IDText.fault(in: line, isFirst: row == 0) else { return true }
            throw TesseraError(
                .invalidArgument, "\(path): the id of row \(row) (line \(row + 1)) \(fault)")
        }
        return IDFile(path: path, count: count, file: file, marks: marks)
    }

    /// The id of a row.
    package func id(_ row: Int) throws(TesseraError) -> String {
        String(decoding: try bytes(row), as: UTF8.self)
    }

    /// The UTF-8 bytes of a row's id. O(256 lines).
    package func bytes(_ row: Int) throws(TesseraError) -> [UInt8] {
        var found: [UInt8] = []
        try forEach(in: row..<row + 1) { (_, id) throws(TesseraError) in
            found = id.withUnsafeBytes { Array($0) }
        }
        return found
    }

    /// Calls `body` with the rows of a range and their ids' bytes, in order.
    package func forEach(
        in range: Range<Int>, _ body: (Int, RawSpan) throws(TesseraError) -> Void
    ) throws(TesseraError) {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "no such rows")
        if range.isEmpty { return }
        let mark = range.lowerBound / IDFile.linesPerMark
        try IDFile.walk(file, from: marks[mark], firstRow: mark * IDFile.linesPerMark) {
            (row, _, line) throws(TesseraError) in
            if row >= range.lowerBound { try body(row, line.bytes) }
            return row + 1 < range.upperBound
        }
    }

    /// What is wrong with an id, as the end of a sentence; nil where an index can hold it.
    package static func fault(in id: [UInt8]) -> String? {
        id.withUnsafeBytes { IDText.fault(in: $0, isFirst: false) }
    }

    /// Walks the lines from `start` on until `body` returns false.
    private static func walk(
        _ file: MappedFile, from start: Int, firstRow: Int,
        _ body: (Int, Int, UnsafeRawBufferPointer) throws(TesseraError) -> Bool
    ) throws(TesseraError) {
        try file.withBytes { (bytes) throws(TesseraError) in
            guard let base = bytes.baseAddress else { return }
            var offset = start
            var released = start
            var row = firstRow
            while offset < bytes.count {
                let left = bytes.count - offset
                let newline = memchr(base + offset, 0x0A, left)
                let length = newline.map { UnsafeRawPointer($0) - (base + offset) } ?? left
                // Files from Windows end their lines in \r\n.
                let isWindows = length > 0 && bytes[offset + length - 1] == 0x0D
                let line = UnsafeRawBufferPointer(
                    start: base + offset, count: isWindows ? length - 1 : length)
                guard try body(row, offset, line) else { return }
                row += 1
                offset += length + 1
                if offset - released >= releaseStride {
                    file.release(released..<min(offset, bytes.count))
                    released = offset
                }
            }
        }
    }
}

/// The rules for an id.
private enum IDText {
    /// What is wrong with an id, as the end of a sentence; nil if nothing is.
    static func fault(in line: UnsafeRawBufferPointer, isFirst: Bool) -> String? {
        if line.isEmpty { return "is empty: every row needs an id; remove the line or fill it in" }
        guard line.count <= IDFile.lengthLimit else {
            return
                "is \(line.count) bytes long; at most \(IDFile.lengthLimit) are allowed: shorten it"
        }
        var isPlain = true
        for byte in line { isPlain = isPlain && byte >= 0x20 && byte < 0x7F }
        if isPlain { return nil }
        guard let text = String(validating: line, as: UTF8.self) else {
            return "is not valid UTF-8: convert the file, iconv -f latin1 -t utf-8"
        }
        if isFirst && text.unicodeScalars.first == "\u{FEFF}" {
            return "begins with a byte order mark: remove it, sed -i '1s/^\\xef\\xbb\\xbf//'"
        }
        guard
            let control = text.unicodeScalars.first(where: {
                $0.properties.generalCategory == .control
            })
        else { return nil }
        let code = String(control.value, radix: 16, uppercase: true)
        let padded = String(repeating: "0", count: max(0, 4 - code.count)) + code
        return "holds the control character U+\(padded): remove it"
    }
}
