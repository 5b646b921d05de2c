// An open descriptor: every system call on a file in this module and in the spill goes through here,
// so that short reads and writes, EINTR and a full disk are handled in one place.
import Glibc
package import TesseraBase

/// An open file, closed when the last reference goes. Reads and writes carry their offset, so any
/// number of threads may use it.
package final class OpenFile: Sendable {
    package let path: String
    let descriptor: Int32

    private init(path: String, descriptor: Int32) {
        self.path = path
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
    }

    /// Opens a regular file for reading. Throws `notFound`, `invalidArgument` (a folder, a pipe) or
    /// `unavailable`.
    package static func reading(_ path: String) throws(TesseraError) -> OpenFile {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw failure(errno, "cannot open", path) }
        let file = OpenFile(path: path, descriptor: descriptor)
        let kind = try file.status().st_mode & S_IFMT
        guard kind != S_IFDIR else {
            throw TesseraError(.invalidArgument, "\(path) is a folder; name a file in it")
        }
        guard kind == S_IFREG else {
            throw TesseraError(
                .invalidArgument,
                "\(path) is not a regular file and cannot be mapped; write it to a file first")
        }
        return file
    }

    /// Creates or empties a file for writing.
    ///
    /// - Parameter isPrivate: whether a new file is for its owner alone.
    package static func creating(
        _ path: String, isPrivate: Bool = false
    ) throws(TesseraError) -> OpenFile {
        let mode: mode_t = isPrivate ? 0o600 : 0o644
        let descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw failure(errno, "cannot create", path) }
        return OpenFile(path: path, descriptor: descriptor)
    }

    /// A file in `folder` without a name: it is gone with its descriptor, even after a kill.
    ///
    /// Made with a name that is removed at once: O_TMPFILE is missing on several file systems.
    package static func nameless(in folder: String) throws(TesseraError) -> OpenFile {
        var template = Array("\(folder)/tessera-scratch-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else { throw scratchFailure(errno, folder) }
        unlink(template)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        return OpenFile(path: folder, descriptor: descriptor)
    }

    private static func scratchFailure(_ code: Int32, _ folder: String) -> TesseraError {
        switch code {
        case ENOENT:
            TesseraError(
                .notFound,
                "scratch folder \(folder) does not exist; make it, or name another with --scratch")
        case ENOTDIR:
            TesseraError(
                .invalidArgument, "scratch folder \(folder) is a file; name a folder with --scratch"
            )
        default: failure(code, "cannot create a file in scratch folder", folder)
        }
    }

    /// The file's length now.
    package func size() throws(TesseraError) -> Int {
        Int(try status().st_size)
    }

    /// Fills `buffer` from `offset` on. Throws `unavailable` when the file ends before.
    private func read(
        into buffer: UnsafeMutableRawBufferPointer, at offset: Int
    ) throws(TesseraError) {
        guard let base = buffer.baseAddress else { return }
        var done = 0
        while done < buffer.count {
            let got = pread(descriptor, base + done, buffer.count - done, off_t(offset + done))
            if got < 0 && errno == EINTR { continue }
            guard got >= 0 else { throw OpenFile.failure(errno, "cannot read", path) }
            guard got > 0 else {
                throw TesseraError(
                    .unavailable, "\(path) ends at byte \(offset + done): it changed while in use")
            }
            done += got
        }
    }

    /// `count` bytes from `offset` on. Throws as ``read(into:at:)``.
    package func bytes(_ count: Int, at offset: Int) throws(TesseraError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var failure: TesseraError?
        bytes.withUnsafeMutableBytes { buffer in
            do throws(TesseraError) {
                try read(into: buffer, at: offset)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Writes all of `bytes` at `offset`. Throws `resourceExhausted` when the disk is full.
    package func write(_ bytes: [UInt8], at offset: Int) throws(TesseraError) {
        var done = 0
        while done < bytes.count {
            let (put, code) = bytes.withUnsafeBytes { source in
                let put = pwrite(
                    descriptor, source.baseAddress.map { $0 + done }, source.count - done,
                    off_t(offset + done))
                return (put, errno)
            }
            if put < 0 && code == EINTR { continue }
            guard put > 0 else {
                throw OpenFile.failure(put == 0 ? ENOSPC : code, "cannot write to", path)
            }
            done += put
        }
    }

    /// Returns once what was written is on the disk.
    package func synchronise() throws(TesseraError) {
        guard fsync(descriptor) == 0 else {
            throw OpenFile.failure(errno, "cannot write to", path)
        }
    }

    /// Moves the written file to its final name.
    package func rename(to target: String) throws(TesseraError) {
        guard Glibc.rename(path, target) == 0 else {
            throw OpenFile.failure(errno, "cannot create", target)
        }
    }

    /// Removes the file's name.
    package func remove() {
        unlink(path)
    }

    private func status() throws(TesseraError) -> stat {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw OpenFile.failure(errno, "cannot look at", path)
        }
        return status
    }

    /// A system call's error as the caller's next step.
    static func failure(_ code: Int32, _ doing: String, _ path: String) -> TesseraError {
        let reason = String(cString: strerror(code)).lowercased()
        switch code {
        case ENOENT, ENOTDIR:
            return TesseraError(.notFound, "\(doing) \(path): no such file; check the path")
        case EISDIR:
            return TesseraError(.invalidArgument, "\(doing) \(path): it is a folder")
        case EACCES, EPERM:
            return TesseraError(
                .unavailable, "\(doing) \(path): \(reason); check its owner and mode (ls -l)")
        case ENOSPC, EDQUOT:
            return TesseraError(
                .resourceExhausted, "\(doing) \(path): \(reason); free some space there")
        case EMFILE, ENFILE, ENOMEM:
            return TesseraError(.resourceExhausted, "\(doing) \(path): \(reason)")
        default:
            return TesseraError(.unavailable, "\(doing) \(path): \(reason)")
        }
    }
}
