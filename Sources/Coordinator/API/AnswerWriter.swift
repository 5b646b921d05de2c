// Answers to searches, written straight into the bytes that are sent.
import NIOCore
import SearchTypes
import VectorCore

/// Writes the body of one answer.
struct AnswerWriter {
    private var buffer: ByteBuffer
    private let results: SearchResults
    private let search: SearchBody

    /// - Parameter search: the request that is answered.
    init(_ results: SearchResults, to search: SearchBody) {
        self.results = results
        self.search = search
        buffer = ByteBufferAllocator().buffer(capacity: 256 + 72 * results.hitCount)
    }

    /// Writes everything but the end.
    mutating func write() {
        let isBatch = search.query == .vectors
        buffer.writeStaticString("{\"version\":")
        buffer.writeString(String(results.version))
        buffer.writeStaticString(",\"results\":")
        if isBatch { buffer.writeStaticString("[") }
        for (index, answer) in results.answers.enumerated() {
            if index > 0 { buffer.writeStaticString(",") }
            write(answer.answer.hits, vectors: results.vectors?[index])
        }
        if isBatch { buffer.writeStaticString("]") }
        let share = results.share
        if share < 1 {
            buffer.writeStaticString(",\"complete\":false,\"share\":")
            write(share)
        } else {
            buffer.writeStaticString(",\"complete\":true")
        }
        buffer.writeStaticString(",\"source\":\"")
        buffer.writeString(results.source.rawValue)
        buffer.writeStaticString("\"")
        guard search.explain else { return }
        buffer.writeStaticString(isBatch ? ",\"receipts\":[" : ",\"receipt\":")
        for (index, answer) in results.answers.enumerated() {
            if index > 0 { buffer.writeStaticString(",") }
            write(answer.answer.receipt)
        }
        if isBatch { buffer.writeStaticString("]") }
    }

    /// Writes the end, which says how long the answer took, and returns the whole body.
    mutating func finish(took: Duration) -> ByteBuffer {
        buffer.writeStaticString(",\"took_ms\":")
        write(took)
        buffer.writeStaticString("}")
        return buffer
    }

    private mutating func write(_ hits: [Hit], vectors: [[Float]]?) {
        buffer.writeStaticString("[")
        var isFirst = true
        for (index, hit) in hits.enumerated() {
            let score = results.metric.score(hit.distance)
            if let threshold = search.scoreThreshold, score < threshold { continue }
            buffer.writeStaticString(isFirst ? "{\"id\":" : ",{\"id\":")
            isFirst = false
            write(hit.id)
            if search.extras.contains(.distance) {
                buffer.writeStaticString(",\"distance\":")
                write(hit.distance)
            }
            buffer.writeStaticString(",\"score\":")
            write(score)
            if let vector = vectors?[index] { write(vector) }
            buffer.writeStaticString("}")
        }
        buffer.writeStaticString("]")
    }

    private mutating func write(_ vector: [Float]) {
        buffer.writeStaticString(",\"vector\":[")
        for (index, number) in vector.enumerated() {
            if index > 0 { buffer.writeStaticString(",") }
            write(number)
        }
        buffer.writeStaticString("]")
    }

    private mutating func write(_ receipt: Receipt) {
        let counts: KeyValuePairs<StaticString, Int> = [
            "{\"shards_offered\":": receipt.shardsOffered,
            ",\"shards_touched\":": receipt.shardsTouched,
            ",\"lists_scanned\":": receipt.listsScanned,
            ",\"lists_skipped\":": receipt.listsSkipped,
            ",\"codes_scanned\":": receipt.codesScanned,
            ",\"rows_refined\":": receipt.rowsRefined, ",\"reads\":": receipt.reads,
            ",\"round_trips\":": receipt.roundTrips, ",\"bytes_read\":": receipt.bytesRead,
        ]
        for (name, count) in counts {
            buffer.writeStaticString(name)
            buffer.writeString(String(count))
        }
        let times: KeyValuePairs<StaticString, Duration> = [
            ",\"route_us\":": receipt.route,
            ",\"choose_lists_us\":": receipt.chooseLists, ",\"scan_us\":": receipt.scan,
            ",\"refine_us\":": receipt.refine, ",\"resolve_us\":": receipt.resolve,
        ]
        for (name, time) in times {
            buffer.writeStaticString(name)
            write(time * 1000)
        }
        buffer.writeStaticString("}")
    }

    /// Writes milliseconds with three digits after the point.
    private mutating func write(_ time: Duration) {
        let microseconds = max(0, time.nanoseconds / 1000)
        buffer.writeString(String(microseconds / 1000))
        let rest = microseconds % 1000
        buffer.writeStaticString(rest < 10 ? ".00" : rest < 100 ? ".0" : ".")
        buffer.writeString(String(rest))
    }

    /// Writes the shortest digits that read back as the same float32. JSON has no infinity, so the
    /// largest finite number stands for it.
    private mutating func write(_ number: Float) {
        let finite =
            number.isFinite
            ? number
            : number > 0 ? .greatestFiniteMagnitude : -.greatestFiniteMagnitude
        buffer.writeString(finite.description)
    }

    /// Writes a JSON string (RFC 8259, section 7).
    private mutating func write(_ text: String) {
        buffer.writeStaticString("\"")
        let isPlain = text.utf8.allSatisfy {
            $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
        }
        if isPlain {
            buffer.writeString(text)
        } else {
            for byte in text.utf8 { writeEscaped(byte) }
        }
        buffer.writeStaticString("\"")
    }

    private mutating func writeEscaped(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"):
            buffer.writeInteger(UInt8(ascii: "\\"))
            buffer.writeInteger(byte)
        case 0..<0x20:
            buffer.writeStaticString(byte < 0x10 ? "\\u000" : "\\u00")
            buffer.writeString(String(byte, radix: 16))
        default: buffer.writeInteger(byte)
        }
    }
}

extension Metric {
    /// The similarity score of a reported distance; larger is more similar.
    package func score(_ distance: Float) -> Float {
        switch self {
        case .l2: 1 / (1 + max(0, distance))
        case .innerProduct: -distance
        case .cosine: 1 - distance
        }
    }
}
