// HTTP over TLS: whole handshakes, with a client that checks the server's certificate.
import Coordinator
import Foundation
import SearchProtocol
import SearchTypes
import TesseraBase
import TestSupport
import Testing

struct TLSTests {
    /// curl's exit status, and the body of the answer.
    private func curl(_ arguments: [String]) async throws -> (status: Int32, output: String) {
        try await Wire.threads.run { () throws(TesseraError) in
            let process = Process()
            process.executableURL = URL(filePath: "/usr/bin/env")
            process.arguments = ["curl", "--silent", "--max-time", "60"] + arguments
            let output = Pipe()
            process.standardOutput = output
            process.standardError = FileHandle.nullDevice
            do { try process.run() } catch {
                throw TesseraError(.unavailable, "curl cannot be run", cause: error)
            }
            let said = output.fileHandleForReading.readDataToEndOfFile()
            process.waitUntilExit()
            return (process.terminationStatus, String(decoding: said, as: UTF8.self))
        }
    }

    /// curl's exit statuses.
    private static let (handshakeFailed, notTrusted, emptyReply, receiveFailed):
        (Int32, Int32, Int32, Int32) =
            (35, 60, 52, 56)

    @Test
    func
        `a client that trusts the authority is answered; one that trusts another, or speaks plain HTTP, is not`()
        async throws
    {
        let index = try await PublishedIndex.shared.value
        let folder = try TemporaryFolder()
        let files = try Certificates(in: folder)
        let own = files.tls(of: "worker")
        let change: (inout ServerSettings) -> Void = {
            $0.tls = TLSFiles(certificate: own.certificate, key: own.key)
        }
        let query = #"{"vector":\#(index.query(1).json),"k":3}"#
        // The fixture's wait for a ready server speaks no TLS.
        try await withServer(index, waits: false, change) { server in
            let address = "https://127.0.0.1:\(server.port)"
            let trusting = ["--cacert", own.authority]
            try await server.wait(for: "ready") {
                try await curl(trusting + ["--output", "/dev/null", "--fail", address + "/ready"])
                    .status == 0
            }
            for version in ["--tlsv1.3", "--tlsv1.2"] {
                let answer = try await curl(
                    trusting + [version, "--data", query, address + "/v1/indexes/photos/search"])
                #expect(answer.status == 0 && answer.output.contains(#""results":[{"id":"v1""#))
            }
            let named = "https://localhost:\(server.port)/health"
            #expect(try await curl(trusting + ["--ipv4", named]).status == 0)
            let stranger = files.path("stranger.pem")
            let distrusted = try await curl(["--cacert", stranger, address + "/health"])
            #expect(distrusted.status == Self.notTrusted && distrusted.output.isEmpty)
            let old = try await curl(trusting + ["--tls-max", "1.1", address + "/health"])
            #expect(old.status == Self.handshakeFailed)
            let plain = try await curl(["http://127.0.0.1:\(server.port)/health"])
            #expect([Self.emptyReply, Self.receiveFailed].contains(plain.status), "\(plain)")
            #expect(plain.output.isEmpty)
            let wire = try Wire(port: server.port)
            try await wire.send(Array("GET /health HTTP/1.1\r\nhost: a\r\n\r\n".utf8))
            let said = String(decoding: try await wire.untilClosed(), as: UTF8.self)
            #expect(!said.contains("HTTP/1.1"))
            #expect(try await curl(trusting + [address + "/health"]).status == 0)
        }
    }
}
