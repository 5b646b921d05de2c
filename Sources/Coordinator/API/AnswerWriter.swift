// Answers to searches, written straight into the bytes that are sent.
import NIOCore
import SearchTypes
import VectorCore

/// Writes the body of one answer.
struct AnswerWriter {
    private(set) var buffer: ByteBuffer
    private let metric: Metric
    private let extras: SearchBody.Extras
    private let threshold: Float?

    init(metric: Metric, extras: SearchBody.Extras, threshold: Float?, results: Int) {
        self.metric = metric
        self.extras = extras
        self.threshold = threshold
        buffer = ByteBufferAllocator().buffer(capacity: 256 + 72 * results)
    }

    /// - Parameters:
    ///   - isBatch: lists of results rather than one.
    ///   - vectors: of the hits, one list an answer, where they were asked for.
    mutating func write(
        version: Int, _ answers: [BackendAnswer], isBatch: Bool, vectors: [[[Float]]]?,
        explain: Bool, isCached: Bool
    ) {
        buffer.writeStaticString("{\"version\":")
        buffer.writeString(String(version))
        buffer.writeStaticString(",\"results\":")
        if isBatch { buffer.writeStaticString("[") }
        for (index, answer) in answers.enumerated() {
            if index > 0 { buffer.writeStaticString(",") }
            write(answer.answer.hits, vectors: vectors?[index])
        }
        if isBatch { buffer.writeStaticString("]") }
        var share: Float = 1
        for answer in answers { share = min(share, answer.share) }
        if share < 1 {
            buffer.writeStaticString(",\"complete\":false,\"share\":")
            write(share)
        } else {
            buffer.writeStaticString(",\"complete\":true")
        }
        buffer.writeStaticString(",\"source\":\"")
        buffer.writeString(isCached ? AnswerSource.cache.rawValue : source(answers).rawValue)
        buffer.writeStaticString("\"")
        guard explain else { return }
        buffer.writeStaticString(isBatch ? ",\"receipts\":[" : ",\"receipt\":")
        for (index, answer) in answers.enumerated() {
            if index > 0 { buffer.writeStaticString(",") }
            write(answer.answer.receipt)
        }
        if isBatch { buffer.writeStaticString("]") }
    }

    /// The end of the answer, which says how long it took.
    mutating func finish(took: Duration) {
        buffer.writeStaticString(",\"took_ms\":")
        write(took)
        buffer.writeStaticString("}")
    }

    private func source(_ answers: [BackendAnswer]) -> AnswerSource {
        var slowest = AnswerSource.ram
        for answer in answers where answer.source.rank > slowest.rank { slowest = answer.source }
        return slowest
    }

    private mutating func write(_ hits: [Hit], vectors: [[Float]]?) {
        buffer.writeStaticString("[")
        var isFirst = true
        for (index, hit) in hits.enumerated() {
            let score = metric.score(hit.distance)
            if let threshold, score < threshold { continue }
            buffer.writeStaticString(isFirst ? "{\"id\":" : ",{\"id\":")
            isFirst = false
            write(hit.id)
            if extras.contains(.distance) {
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
            ",\"route_us\":": receipt.route, ",\"scan_us\":": receipt.scan,
            ",\"refine_us\":": receipt.refine, ",\"resolve_us\":": receipt.resolve,
        ]
        for (name, time) in times {
            buffer.writeStaticString(name)
            write(time * 1000)
        }
        buffer.writeStaticString("}")
    }

    /// Milliseconds with three digits after the point.
    private mutating func write(_ time: Duration) {
        let microseconds = max(0, time.nanoseconds / 1000)
        buffer.writeString(String(microseconds / 1000))
        let rest = microseconds % 1000
        buffer.writeStaticString(rest < 10 ? ".00" : rest < 100 ? ".0" : ".")
        buffer.writeString(String(rest))
    }

    /// The shortest digits that read back as the same float32; JSON knows no infinity.
    private mutating func write(_ number: Float) {
        let finite =
            number.isFinite
            ? number
            : number > 0 ? .greatestFiniteMagnitude : -.greatestFiniteMagnitude
        buffer.writeString(finite.description)
    }

    /// A JSON string (RFC 8259, section 7).
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

extension AnswerSource {
    /// Slower is higher.
    var rank: Int {
        switch self {
        case .cache: 0
        case .ram: 1
        case .disk: 2
        case .store: 3
        }
    }
}

extension Metric {
    /// The likeness that belongs to a reported distance; larger is more alike.
    package func score(_ distance: Float) -> Float {
        switch self {
        case .l2: 1 / (1 + max(0, distance))
        case .innerProduct: -distance
        case .cosine: 1 - distance
        }
    }
}

extension Duration {
    /// Whole nanoseconds.
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
