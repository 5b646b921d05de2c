// Trace ids (W3C Trace Context, level 1). A request's trace id goes to the log, to the answer and,
// in the service context, to workers.
import Synchronization
import TesseraBase
package import Tracing
import VectorCore

/// The position of a request in a trace.
package struct TraceContext: Sendable, Equatable {
    package let traceHigh: UInt64
    package let traceLow: UInt64
    /// The span of this server.
    package let span: UInt64
    package let isSampled: Bool

    /// The traceparent header: `00-<trace id>-<span id>-<flags>`.
    package var header: String {
        String(unsafeUninitializedCapacity: 55) { text in
            var index = 0
            func write(_ digit: UInt8) {
                text[index] = digit
                index += 1
            }
            func write(_ number: UInt64, digits count: UInt64) {
                for place in (0..<count).reversed() {
                    write(Self.digits[Int(number >> (4 * place) & 15)])
                }
            }
            write(0, digits: 2)
            write(UInt8(ascii: "-"))
            write(traceHigh, digits: 16)
            write(traceLow, digits: 16)
            write(UInt8(ascii: "-"))
            write(span, digits: 16)
            write(UInt8(ascii: "-"))
            write(isSampled ? 1 : 0, digits: 2)
            return index
        }
    }

    /// The trace id as the header writes it.
    package var traceID: String { String(header.dropFirst(3).prefix(32)) }

    private static let digits = Array("0123456789abcdef".utf8)

    /// Reads a traceparent header; nil if it is not valid.
    static func parse(_ header: String) -> (high: UInt64, low: UInt64, isSampled: Bool)? {
        let bytes = header.utf8
        guard bytes.count >= 55 else { return nil }
        var numbers: [UInt64] = []
        var index = bytes.startIndex
        for length in [2, 16, 16, 16, 2] {
            if length != 16 || numbers.count != 2 {
                if index != bytes.startIndex {
                    guard bytes[index] == UInt8(ascii: "-") else { return nil }
                    index = bytes.index(after: index)
                }
            }
            var number: UInt64 = 0
            for _ in 0..<length {
                guard let digit = digits.firstIndex(of: bytes[index]) else { return nil }
                number = number << 4 | UInt64(digit)
                index = bytes.index(after: index)
            }
            numbers.append(number)
        }
        let isVersionZero = numbers[0] == 0
        guard numbers[0] != 255, !isVersionZero || bytes.count == 55,
            index == bytes.endIndex || bytes[index] == UInt8(ascii: "-"),
            numbers[1] != 0 || numbers[2] != 0, numbers[3] != 0
        else { return nil }
        return (numbers[1], numbers[2], numbers[4] & 1 == 1)
    }
}

/// Makes the ids of traces and spans.
final class TraceSource: Sendable {
    private let random: Mutex<SeededRandom>

    init(seed: UInt64) {
        random = Mutex(SeededRandom(seed: seed))
    }

    /// Makes a span in the trace of `header`, or in a new trace if there is no valid header.
    func context(of header: String?) -> TraceContext {
        if let header, let parent = TraceContext.parse(header) {
            let span = random.withLock { $0.next() }
            return TraceContext(
                traceHigh: parent.high, traceLow: parent.low, span: max(1, span),
                isSampled: parent.isSampled)
        }
        let (high, low, span) = random.withLock { ($0.next(), $0.next(), $0.next()) }
        return TraceContext(
            traceHigh: high, traceLow: max(1, low), span: max(1, span), isSampled: false)
    }
}

private enum TraceContextKey: ServiceContextKey {
    typealias Value = TraceContext
    static let nameOverride: String? = "tessera-trace"
}

extension ServiceContext {
    /// The trace of the current request.
    package var trace: TraceContext? {
        get { self[TraceContextKey.self] }
        set { self[TraceContextKey.self] = newValue }
    }
}
