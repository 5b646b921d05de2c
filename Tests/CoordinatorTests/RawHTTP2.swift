// HTTP/2 written by hand (RFC 9113, RFC 7541), so that a test can send what no client would.
import Foundation

/// The bytes of frames.
enum RawHTTP2 {
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
    private static let (data, headers, settings): (UInt8, UInt8, UInt8) = (0, 1, 4)

    static func frame(_ type: UInt8, flags: UInt8, stream: UInt32, _ payload: [UInt8]) -> [UInt8] {
        let length = UInt32(payload.count)
        return [UInt8(length >> 16 & 255), UInt8(length >> 8 & 255), UInt8(length & 255)]
            + [type, flags] + bytes(stream) + payload
    }

    /// The bytes that begin a connection.
    static var begin: [UInt8] { preface + frame(settings, flags: 0, stream: 0, []) }

    /// A whole call of a method with one message.
    static func call(_ path: String, message: [UInt8], stream: UInt32) -> [UInt8] {
        let fields = [
            (":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "worker"),
            ("content-type", "application/grpc"), ("te", "trailers"),
        ]
        // Literal fields, never indexed, names and values as they are.
        let block: [UInt8] = fields.flatMap { field -> [UInt8] in
            [0x10] + text(field.0) + text(field.1)
        }
        let (endHeaders, endStream): (UInt8, UInt8) = (4, 1)
        return frame(headers, flags: endHeaders, stream: stream, block)
            + frame(
                data, flags: endStream, stream: stream, [0] + bytes(UInt32(message.count)) + message
            )
    }

    /// The types and payloads of the frames that `received` begins with.
    static func frames(_ received: [UInt8]) -> [(type: UInt8, payload: [UInt8])] {
        var (found, place): ([(type: UInt8, payload: [UInt8])], Int) = ([], 0)
        while place + 9 <= received.count {
            let length = received[place..<place + 3].reduce(0) { $0 << 8 | Int($1) }
            guard place + 9 + length <= received.count else { break }
            found.append((received[place + 3], Array(received[place + 9..<place + 9 + length])))
            place += 9 + length
        }
        return found
    }

    /// Payloads of the data frames.
    static func messages(_ received: [UInt8]) -> [UInt8] {
        frames(received).filter { $0.type == data }.flatMap(\.payload)
    }

    private static func text(_ value: String) -> [UInt8] { [UInt8(value.utf8.count)] + value.utf8 }

    private static func bytes(_ value: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(value >> UInt32($0) & 255) }
    }
}
