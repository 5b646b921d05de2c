// An HTTP server on loopback whose answers a test makes up, rude ones included. For what no real
// server does on request: hanging, breaking off, lying about lengths.
import Foundation
import Glibc
import Synchronization
import TesseraBase

/// Answers each request with what the handler returns, on a port of its own, for the life of the
/// test process.
final class LoopbackServer: Sendable {
    struct Request: Sendable {
        let method: String
        /// With the query.
        let target: String
        /// By lower-case name.
        let headers: [String: String]
        let body: [UInt8]
        /// Which connection it came over, from 0.
        let connection: Int
    }

    enum Reply: Sendable {
        case answer(Int, [String: String] = [:], String = "")
        /// These bytes, then the end of the connection.
        case raw(String)
        /// The end of the connection, without an answer.
        case close
        /// Silence until the client leaves.
        case hang
    }

    private struct State {
        var requests: [Request] = []
        var connectionCount = 0
    }

    let port: Int
    private let listener: Int32
    private let state = Mutex(State())
    private let handler: @Sendable (Request) -> Reply

    var endpoint: String { "http://127.0.0.1:\(port)" }
    var requests: [Request] { state.withLock { $0.requests } }

    /// Starts to listen; `handler` is called on the connection's thread.
    static func start(_ handler: @escaping @Sendable (Request) -> Reply) throws -> LoopbackServer {
        let server = try LoopbackServer(handler)
        Thread {
            while true {
                let connection = accept(server.listener, nil, nil)
                guard connection >= 0 else { return }
                server.serve(connection)
            }
        }.start()
        return server
    }

    private init(_ handler: @escaping @Sendable (Request) -> Reply) throws {
        self.handler = handler
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = self.listener
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 64) == 0
                    && getsockname(listener, $0, &length) == 0
            }
        }
        guard isBound else { throw TesseraError(.unavailable, "cannot listen on loopback") }
        port = Int(UInt16(bigEndian: address.sin_port))
    }

    private func serve(_ connection: Int32) {
        let number = state.withLock { state in
            state.connectionCount += 1
            return state.connectionCount - 1
        }
        Thread { [self] in
            var buffer: [UInt8] = []
            while let request = Self.read(connection, &buffer, number) {
                state.withLock { $0.requests.append(request) }
                guard Self.send(handler(request), to: connection, for: request) else { break }
            }
            close(connection)
        }.start()
    }

    private static func read(
        _ connection: Int32, _ buffer: inout [UInt8], _ number: Int
    ) -> Request? {
        let end = Array("\r\n\r\n".utf8)
        while true {
            if let head = buffer.firstRange(of: end) {
                let lines = String(decoding: buffer[..<head.lowerBound], as: UTF8.self)
                    .components(separatedBy: "\r\n")
                let words = lines[0].split(separator: " ")
                var headers: [String: String] = [:]
                for line in lines.dropFirst() {
                    let parts = line.split(separator: ":", maxSplits: 1)
                    guard parts.count == 2 else { continue }
                    headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
                }
                let length = Int(headers["content-length"] ?? "0") ?? 0
                if buffer.count >= head.upperBound + length, words.count == 3 {
                    let body = Array(buffer[head.upperBound..<head.upperBound + length])
                    buffer.removeFirst(head.upperBound + length)
                    return Request(
                        method: String(words[0]), target: String(words[1]), headers: headers,
                        body: body, connection: number)
                }
            }
            var chunk = [UInt8](repeating: 0, count: 65536)
            let count = recv(connection, &chunk, chunk.count, 0)
            guard count > 0 else { return nil }
            buffer += chunk[..<count]
        }
    }

    /// False where the connection ends with it.
    private static func send(_ reply: Reply, to connection: Int32, for request: Request) -> Bool {
        switch reply {
        case .answer(let status, let headers, let body):
            let lines = headers.map { "\($0.key): \($0.value)\r\n" }.joined()
            let length =
                headers.keys.contains("Content-Length")
                ? "" : "Content-Length: \(body.utf8.count)\r\n"
            let sent = request.method == "HEAD" ? "" : body
            write("HTTP/1.1 \(status) X\r\n\(lines)\(length)\r\n\(sent)", to: connection)
            return true
        case .raw(let text):
            write(text, to: connection)
            return false
        case .close:
            return false
        case .hang:
            var byte: UInt8 = 0
            _ = recv(connection, &byte, 1, 0)
            return false
        }
    }

    private static func write(_ text: String, to connection: Int32) {
        let bytes = Array(text.utf8)
        var done = 0
        while done < bytes.count {
            let count = Glibc.send(
                connection, Array(bytes[done...]), bytes.count - done, Int32(MSG_NOSIGNAL))
            guard count > 0 else { return }
            done += count
        }
    }
}
