// Answers as JSON lines: written aside and moved into place, so that a file of answers is whole or not there.
import Foundation
import TesseraBase
import Worker

/// One query's answer.
struct AnswerLine: Encodable {
    struct HitLine: Encodable {
        let id: String
        let distance: Float
    }

    struct ReceiptLine: Encodable {
        let shardsOffered: Int
        let shardsTouched: Int
        let listsScanned: Int
        let codesScanned: Int
        let rowsRefined: Int
        let reads: Int
        let bytesRead: Int
        let routeMicroseconds: Double
        let scanMicroseconds: Double
        let refineMicroseconds: Double
        let resolveMicroseconds: Double
    }

    let query: Int
    let hits: [HitLine]
    let receipt: ReceiptLine?

    init(query: Int, _ answer: SearchAnswer, explain: Bool) {
        self.query = query
        hits = answer.hits.map { HitLine(id: $0.id, distance: $0.distance) }
        let cost = answer.receipt
        receipt =
            explain
            ? ReceiptLine(
                shardsOffered: cost.shardsOffered, shardsTouched: cost.shardsTouched,
                listsScanned: cost.listsScanned, codesScanned: cost.codesScanned,
                rowsRefined: cost.rowsRefined, reads: cost.reads, bytesRead: cost.bytesRead,
                routeMicroseconds: cost.route.microseconds,
                scanMicroseconds: cost.scan.microseconds,
                refineMicroseconds: cost.refine.microseconds,
                resolveMicroseconds: cost.resolve.microseconds) : nil
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
        buffer.append(Data(try Terminal.json(line, pretty: false).utf8))
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
