// What people see: reports on standard output, progress and complaints on standard error.
import Foundation
import Synchronization
import TesseraBase

enum Console {
    static func say(_ text: String) throws(TesseraError) {
        do {
            try FileHandle.standardOutput.write(contentsOf: Data((text + "\n").utf8))
        } catch {
            throw TesseraError(.unavailable, "cannot write to standard output", cause: error)
        }
    }

    /// Writes the one line a failure comes down to.
    static func complain(_ message: String) {
        write("analyze-performance: error: \(message)\n")
    }

    /// Where even standard error is gone, nobody is left to be told.
    static func write(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }

    /// Sorted keys, indented.
    static func json(_ value: some Encodable) throws(TesseraError) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        do { return String(decoding: try encoder.encode(value), as: UTF8.self) } catch {
            throw TesseraError(
                .invalidArgument, "the report cannot be written as JSON", cause: error)
        }
    }

    /// A file that appears whole or not at all.
    static func writeFile(_ path: String, _ text: String) throws(TesseraError) {
        do { try Data(text.utf8).write(to: URL(filePath: path), options: .atomic) } catch {
            throw TesseraError(
                .unavailable, "cannot write \(path); name a file in a folder that exists",
                cause: error)
        }
    }

    /// Found out before anything is measured: a folder that is not there.
    static func requireFolder(of path: String) throws(TesseraError) {
        let folder = URL(filePath: path).deletingLastPathComponent().path
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder),
            isFolder.boolValue
        else {
            throw TesseraError(
                .notFound, "cannot write \(path): there is no folder \(folder); make it first")
        }
    }

    /// Tells a watching person which part is under way; silent where nobody watches.
    static func progress(quiet: Bool) -> ProgressHandler {
        guard !quiet, isatty(STDERR_FILENO) == 1 else { return { _ in } }
        let last = Mutex((phase: "", percent: -1))
        return { update in
            let percent = update.total > 0 ? update.completed * 100 / update.total : 0
            let isNew = last.withLock { state in
                guard state.phase != update.phase || state.percent != percent else { return false }
                state = (update.phase, percent)
                return true
            }
            if isNew { write("\r\u{1B}[K\(update.phase) \(percent)%\(percent >= 100 ? "\n" : "")") }
        }
    }
}
