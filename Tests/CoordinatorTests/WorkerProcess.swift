// A built `shardctl worker` as a process on a free port of this machine.
import Coordinator
import Foundation
import Glibc
import Synchronization
import TesseraBase
import Testing

struct WorkerDidNotStart: Error, CustomStringConvertible {
    let description: String
}

/// One worker; killed when nobody has it any more.
final class WorkerProcess: @unchecked Sendable {
    /// Where SwiftPM puts the executables: beside the tests.
    static let shardctl: URL = {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
        return URL(filePath: own ?? CommandLine.arguments[0]).deletingLastPathComponent()
            .appending(path: "shardctl")
    }()

    let address: WorkerAddress
    private let process: Process
    private let ended: AsyncStream<Void>

    /// - Parameter port: 0 takes a free one.
    init(
        store: String, host: String = "127.0.0.1", port: Int = 0, _ more: [String] = []
    ) async throws {
        let process = Process()
        process.executableURL = Self.shardctl
        process.arguments =
            ["worker", "--store", "file://\(store)", "--listen", "\(host):\(port)"]
            + ["--threads", "2", "--memory-megabytes", "256"] + more
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        let (ended, continuation) = AsyncStream.makeStream(of: Void.self)
        process.terminationHandler = { _ in continuation.finish() }
        try process.run()
        self.process = process
        self.ended = ended
        var line = ""
        while !line.hasSuffix("\n") {
            let more = output.fileHandleForReading.availableData
            guard !more.isEmpty else { break }
            line += String(decoding: more, as: UTF8.self)
        }
        guard line.hasPrefix("listening on ") else {
            process.terminate()
            throw WorkerDidNotStart(description: "a worker said '\(line)'")
        }
        address = try WorkerAddress(line.dropFirst("listening on ".count).dropLast())
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    }

    func send(_ signal: Int32) {
        if process.isRunning { kill(process.processIdentifier, signal) }
    }

    /// Stops it in its tracks, and returns once none of its threads runs any more: the signal alone
    /// may arrive after an answer.
    func halt() async throws {
        send(SIGSTOP)
        let path = "/proc/\(process.processIdentifier)/stat"
        for _ in 0..<500 {
            let state = try String(contentsOfFile: path, encoding: .utf8)
                .split(separator: ")").last?.first { $0 != " " }
            if state == "T" { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw TesseraError(.unavailable, "the worker did not stop")
    }

    /// Waits for the end; its exit status, or the signal that ended it, negative.
    func end() async -> Int32 {
        for await _ in ended {}
        return process.terminationReason == .exit
            ? process.terminationStatus : -process.terminationStatus
    }
}
