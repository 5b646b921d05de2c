// Answers as JSON lines: written aside and moved into place, so that a file of answers is whole or not there.
import Foundation
import TesseraBase
import Worker

/// One query's answer as a line of JSON, its fields in the order people read them.
struct AnswerLine {
    let text: String

    init(query: Int, _ answer: SearchAnswer, explain: Bool) {
        let hits = answer.hits.map { hit in
            "{\"id\":\(Self.quoted(hit.id)),\"distance\":\(hit.distance)}"
        }
        var line = "{\"query\":\(query),\"hits\":[\(hits.joined(separator: ","))]"
        if explain { line += ",\"receipt\":\(Self.receipt(answer.receipt))" }
        text = line + "}"
    }

    private static func receipt(_ cost: Receipt) -> String {
        let fields: [(String, any CustomStringConvertible)] = [
            ("shardsOffered", cost.shardsOffered), ("shardsTouched", cost.shardsTouched),
            ("listsScanned", cost.listsScanned), ("codesScanned", cost.codesScanned),
            ("rowsRefined", cost.rowsRefined), ("reads", cost.reads),
            ("bytesRead", cost.bytesRead), ("routeMicroseconds", cost.route.microseconds),
            ("scanMicroseconds", cost.scan.microseconds),
            ("refineMicroseconds", cost.refine.microseconds),
            ("resolveMicroseconds", cost.resolve.microseconds),
        ]
        return "{" + fields.map { "\"\($0)\":\($1)" }.joined(separator: ",") + "}"
    }

    /// A JSON string (RFC 8259, section 7).
    static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\u{0}"..<" ":
                quoted += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}

/// Where answers go.
final class AnswerFile {
    private let path: String?
    private let aside: String
    private var handle: FileHandle
    private var buffer = Data()
    private var isClosed = false

    /// - Parameter path: nil for standard output.
    init(path: String?) throws(TesseraError) {
        self.path = path
        aside = (path ?? "") + ".\(ProcessInfo.processInfo.processIdentifier).tmp"
        guard path != nil else {
            handle = .standardOutput
            return
        }
        guard FileManager.default.createFile(atPath: aside, contents: nil),
            let file = FileHandle(forWritingAtPath: aside)
        else {
            throw TesseraError(
                .unavailable, "\(aside) cannot be written: \(String(cString: strerror(errno)))")
        }
        handle = file
    }

    deinit {
        if path != nil, !isClosed { try? FileManager.default.removeItem(atPath: aside) }
    }

    func write(_ line: AnswerLine) throws(TesseraError) {
        buffer.append(Data(line.text.utf8))
        buffer.append(UInt8(ascii: "\n"))
        if buffer.count > 1 << 20 { try flush() }
    }

    func close() throws(TesseraError) {
        try flush()
        guard let path else { return }
        do { try handle.close() } catch { throw failure(error) }
        guard rename(aside, path) == 0 else {
            throw TesseraError(
                .unavailable, "\(path) cannot be written: \(String(cString: strerror(errno)))")
        }
        isClosed = true
    }

    private func flush() throws(TesseraError) {
        do { try handle.write(contentsOf: buffer) } catch { throw failure(error) }
        buffer.removeAll(keepingCapacity: true)
    }

    private func failure(_ error: any Error) -> TesseraError {
        TesseraError(
            .resourceExhausted, "\(path ?? "standard output") cannot be written", cause: error)
    }
}

extension Duration {
    var microseconds: Double { (seconds * 1e6).rounded(to: 1) }
}
