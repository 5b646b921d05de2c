// A client over a plain socket: what it sends and when it stops is up to the test.
import Foundation
import Glibc
import SearchProtocol
import Synchronization
import TesseraBase

struct WireFailure: Error, CustomStringConvertible {
    let description: String
}

/// One answer as it came.
struct WireAnswer: Sendable {
    let status: Int
    /// By lower-case name.
    let headers: [String: String]
    let body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }

    var json: [String: Any] {
        (try? JSONSerialization.jsonObject(with: Data(body))) as? [String: Any] ?? [:]
    }

    var code: String { json["code"] as? String ?? "no code in: \(text.prefix(200))" }
    var field: String? { (json["details"] as? [String: Any])?["field"] as? String }
}

/// A connection. Blocking calls run on threads of their own: the server shares this process.
final class Wire: Sendable {
    static let threads = WorkPool(width: 48)

    private let descriptor: Int32
    private let unread = Mutex<[UInt8]>([])

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw WireFailure(description: "no socket") }
        var patience = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port)).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else {
            close(descriptor)
            throw WireFailure(description: "no connection to port \(port): errno \(errno)")
        }
    }

    deinit {
        close(descriptor)
    }

    /// A connection to a server that may be on its way out, and then takes a while to say no.
    static func patiently(port: Int) async throws -> Wire {
        try await threads.run { () throws(TesseraError) in
            do { return try Wire(port: port) } catch {
                throw TesseraError(.unavailable, "\(error)")
            }
        }
    }

    /// The bytes of a request.
    static func request(
        _ method: String, _ path: String, headers: [String: String] = [:], body: [UInt8]? = nil
    ) -> [UInt8] {
        var text = "\(method) \(path) HTTP/1.1\r\nhost: localhost\r\n"
        for (name, value) in headers { text += "\(name): \(value)\r\n" }
        if let body { text += "content-length: \(body.count)\r\n" }
        return Array((text + "\r\n").utf8) + (body ?? [])
    }

    func send(_ bytes: [UInt8]) async throws {
        try await Self.threads.run { [descriptor] () throws(TesseraError) in
            var sent = 0
            while sent < bytes.count {
                let count = bytes[sent...].withUnsafeBytes {
                    Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                guard count > 0 else {
                    throw TesseraError(.unavailable, "send failed with errno \(errno)")
                }
                sent += count
            }
        }
    }

    /// Says that nothing more will be sent; answers can still come.
    func endSending() {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// The next answer; throws `unavailable` where the connection ends before it is whole.
    func answer() async throws -> WireAnswer {
        try await Self.threads.run { [self] () throws(TesseraError) in
            var bytes = unread.withLock { $0 }
            while true {
                if let (answer, length) = Self.parse(bytes) {
                    unread.withLock { $0 = Array(bytes[length...]) }
                    return answer
                }
                let more = try receive()
                guard !more.isEmpty else {
                    throw TesseraError(
                        .unavailable, "the connection ended after \(bytes.count) bytes")
                }
                bytes += more
            }
        }
    }

    /// Waits for the server to close the connection, or for what is enough; what it sends until
    /// then.
    func untilClosed(
        or isEnough: @escaping @Sendable ([UInt8]) -> Bool = { _ in false }
    ) async throws -> [UInt8] {
        try await Self.threads.run { [self] () throws(TesseraError) in
            var bytes = unread.withLock { $0 }
            while !isEnough(bytes) {
                let more = try receive()
                if more.isEmpty { return bytes }
                bytes += more
            }
            return bytes
        }
    }

    private func receive() throws(TesseraError) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        if count < 0, errno == ECONNRESET { return [] }
        guard count >= 0 else {
            throw TesseraError(.resourceExhausted, "nothing came for 30 s, errno \(errno)")
        }
        return Array(buffer[..<count])
    }

    static func parse(_ bytes: [UInt8]) -> (answer: WireAnswer, length: Int)? {
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self)
            .components(separatedBy: "\r\n")
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            headers[line[..<colon].lowercased()] =
                line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
        }
        let words = lines[0].split(separator: " ")
        guard words.count > 1, let status = Int(words[1]),
            let length = headers["content-length"].flatMap({ Int($0) }),
            bytes.count >= end.upperBound + length
        else { return nil }
        let body = Array(bytes[end.upperBound..<end.upperBound + length])
        return (
            WireAnswer(status: status, headers: headers, body: body), end.upperBound + length
        )
    }
}
