// The built shardctl as a process: started, waited for, stopped and killed by its id.
import Foundation
import Glibc
import Testing

/// The end of a process, and its output.
struct Outcome: Sendable {
    /// The exit code, or 128 plus the signal.
    let status: Int32
    let output: String
    let errors: String

    var lines: [String] { output.split(separator: "\n").map(String.init) }

    /// Standard output as JSON.
    var json: [String: Any] {
        let value = try? JSONSerialization.jsonObject(with: Data(output.utf8))
        guard let object = value as? [String: Any] else {
            Issue.record("not a JSON object: \(output.prefix(200))")
            return [:]
        }
        return object
    }
}

struct SpawnFailure: Error, CustomStringConvertible {
    let description: String
}

/// A process that was started and has not been waited for.
final class Program: Sendable {
    /// Where SwiftPM puts the executables: beside the tests.
    static let shardctl: String = {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
        let folder = URL(filePath: own ?? CommandLine.arguments[0]).deletingLastPathComponent()
        return folder.appending(path: "shardctl").path
    }()

    private let process: pid_t
    private let output: FileHandle
    private let errors: FileHandle

    /// Starts the program.
    ///
    /// - Parameters:
    ///   - outputPath: file for standard output, instead of the ``Outcome``.
    ///   - errorPath: file for standard error, likewise.
    ///   - environment: variables besides the inherited ones.
    init(
        _ path: String, _ arguments: [String], in folder: String, outputPath: String? = nil,
        errorPath: String? = nil, environment: [String: String] = [:]
    ) throws {
        output = try Self.nameless()
        errors = try Self.nameless()
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output.fileDescriptor, STDOUT_FILENO)
        if let outputPath {
            posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, outputPath, O_WRONLY, 0)
        }
        posix_spawn_file_actions_adddup2(&actions, errors.fileDescriptor, STDERR_FILENO)
        if let errorPath {
            posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, errorPath, O_WRONLY, 0)
        }
        var words: [UnsafeMutablePointer<CChar>?] =
            (["env", "--chdir", folder] + environment.map { "\($0)=\($1)" } + [path] + arguments)
            .map { strdup($0) }
        defer { words.forEach { free($0) } }
        words.append(nil)
        var started: pid_t = 0
        // env becomes the program and keeps the process id; it changes the folder.
        let code = posix_spawn(&started, "/usr/bin/env", &actions, nil, words, environ)
        guard code == 0 else {
            throw SpawnFailure(
                description: "\(path) does not start: \(String(cString: strerror(code)))")
        }
        process = started
    }

    /// Runs shardctl to its end.
    static func run(
        _ arguments: [String], in folder: String, outputPath: String? = nil,
        environment: [String: String] = [:]
    ) throws -> Outcome {
        try Program(
            shardctl, arguments, in: folder, outputPath: outputPath, environment: environment
        ).wait()
    }

    func send(_ signal: Int32) {
        kill(process, signal)
    }

    /// Waits for the end; to be called once.
    func wait() -> Outcome {
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 && errno == EINTR {}
        let signal = status & 0x7F
        return Outcome(
            status: signal == 0 ? (status >> 8) & 0xFF : 128 + signal,
            output: Self.text(output), errors: Self.text(errors))
    }

    private static func text(_ handle: FileHandle) -> String {
        try? handle.seek(toOffset: 0)
        return String(decoding: (try? handle.readToEnd()) ?? Data(), as: UTF8.self)
    }

    /// Files instead of pipes, which would have to be read while the process runs.
    private static func nameless() throws -> FileHandle {
        let pattern = FileManager.default.temporaryDirectory.appending(path: "tessera-out-XXXXXX")
        var template = Array(pattern.path.utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else { throw SpawnFailure(description: "no temporary file") }
        unlink(template)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }
}
