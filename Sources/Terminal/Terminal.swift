// Standard output and standard error of the command-line programs: results on the one, errors and
// progress on the other.
package import ArgumentParser
import Foundation
package import TesseraBase

/// Writes to the two standard streams.
package enum Terminal {
    /// Writes a line to standard output. Unlike `print`, it reports a disk that is full.
    package static func say(_ line: String) throws(TesseraError) {
        do {
            try FileHandle.standardOutput.write(contentsOf: Data((line + "\n").utf8))
        } catch {
            throw WriteFailure.error(WriteFailure.code(of: error), "standard output")
        }
    }

    /// Writes an error of `program` as one line to standard error.
    package static func complain(_ message: String, program: String) {
        let prefix = isTerminal ? "\u{1B}[31merror:\u{1B}[0m " : "error: "
        write("\(program): \(prefix)\(message)\n")
    }

    /// Reports `error` in one line and returns the exit code that belongs to it.
    package static func exitCode(_ error: TesseraError, program: String) -> ExitCode {
        complain(error.description, program: program)
        return ExitCode(error.code.exitStatus)
    }

    /// Whether standard error is a terminal that wants colours.
    package static var isTerminal: Bool {
        isatty(STDERR_FILENO) == 1 && ProcessInfo.processInfo.environment["NO_COLOR"] == nil
    }

    /// Writes to standard error. A failure is ignored: there is no other place to report it.
    package static func write(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }

    /// A value as indented JSON with sorted keys.
    package static func json(_ value: some Encodable) throws(TesseraError) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        return try encode(value, encoder)
    }

    /// A value as one line of JSON, its keys in snake case.
    package static func jsonLine(_ value: some Encodable) throws(TesseraError) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        return try encode(value, encoder)
    }

    private static func encode(_ value: some Encodable, _ encoder: JSONEncoder)
        throws(TesseraError) -> String
    {
        do {
            return String(decoding: try encoder.encode(value), as: UTF8.self)
        } catch {
            throw TesseraError(
                .invalidArgument, "the answer could not be encoded as JSON", cause: error)
        }
    }
}
