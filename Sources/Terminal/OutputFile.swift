// A file that a command writes: first under a temporary name, then renamed, so that it is whole or
// not there.
import Foundation
import Glibc
package import TesseraBase
import VectorCore

/// Standard output, or a file that appears whole.
package final class OutputFile {
    private let path: String?
    /// The temporary file; nil if there is nothing to replace: standard output, a pipe, a device.
    private let aside: String?
    private let handle: FileHandle
    private var buffer = Data()
    private var isClosed = false

    /// Opens the file, so that a path that cannot be written fails before the work.
    ///
    /// - Parameters:
    ///   - path: nil for standard output.
    ///   - option: the option that named the path, for messages.
    package init(path: String?, option: String = "--output") throws(TesseraError) {
        self.path = path
        guard let path else {
            aside = nil
            handle = .standardOutput
            return
        }
        guard !path.isEmpty else {
            throw TesseraError(
                .invalidArgument, "\(option) is empty; name a file")
        }
        let kind = FileKind(at: path) ?? .file
        // Fail now and not after the work.
        guard kind != .folder else { throw WriteFailure.error(EISDIR, path) }
        let target =
            kind == .file ? "\(path).\(ProcessInfo.processInfo.processIdentifier).tmp" : path
        aside = kind == .file ? target : nil
        let descriptor = unsafe open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw WriteFailure.error(errno, path) }
        handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }

    deinit {
        if let aside, !isClosed { unsafe unlink(aside) }
    }

    /// Appends `bytes`, through a buffer of a megabyte.
    package func write(_ bytes: some Sequence<UInt8>) throws(TesseraError) {
        buffer.append(contentsOf: bytes)
        if buffer.count > 1 << 20 { try flush() }
    }

    /// Writes the rest and moves the file into place.
    package func close() throws(TesseraError) {
        try flush()
        guard let path, let aside else { return }
        do { try handle.close() } catch { throw failure(error) }
        guard unsafe rename(aside, path) == 0 else { throw WriteFailure.error(errno, path) }
        isClosed = true
    }

    private func flush() throws(TesseraError) {
        do { try handle.write(contentsOf: buffer) } catch { throw failure(error) }
        buffer.removeAll(keepingCapacity: true)
    }

    private func failure(_ error: any Error) -> TesseraError {
        WriteFailure.error(WriteFailure.code(of: error), path ?? "standard output")
    }
}
