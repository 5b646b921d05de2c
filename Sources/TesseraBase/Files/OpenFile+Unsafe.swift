// The one layer over file descriptors: full reads and writes at an offset, interrupted calls
// repeated, and failures as errors that say what to do.
internal import Glibc

/// An open file or folder, closed when the last reference goes.
///
/// Reads and writes carry their offset and share no position, so any number of threads may use one.
package final class OpenFile: Sendable {
    /// The path it was opened at; for a nameless file, its folder.
    package let path: String
    /// The descriptor, for calls that this type does not wrap.
    package let descriptor: Int32
    private let whenFull: String

    private init(path: String, descriptor: Int32, whenFull: String = SystemFailure.freeSpace) {
        self.path = path
        self.descriptor = descriptor
        self.whenFull = whenFull
    }

    deinit {
        close(descriptor)
    }

    private convenience init(
        _ path: String, _ flags: Int32, _ action: String, mode: mode_t = 0,
        whenFull: String = SystemFailure.freeSpace
    ) throws(TesseraError) {
        let descriptor = retrying { unsafe Int(open(path, flags | O_CLOEXEC, mode)) }
        guard descriptor >= 0 else {
            throw SystemFailure.error(errno, action, path, whenFull: whenFull)
        }
        self.init(path: path, descriptor: Int32(descriptor), whenFull: whenFull)
    }

    /// What the file system says of the file now.
    package func status() throws(TesseraError) -> FileStatus {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            throw SystemFailure.error(errno, "examine", path)
        }
        return FileStatus(status)
    }

    /// The file's length now, in bytes.
    package func size() throws(TesseraError) -> Int {
        Int(try status().size)
    }

    /// Returns once what was written is on the disk; for a folder, its entries.
    package func synchronise() throws(TesseraError) {
        guard retrying({ Int(fsync(descriptor)) }) != 0 else { return }
        // Some network file systems cannot sync a folder and say so with EINVAL; they do it at
        // once.
        guard errno != EINVAL else { return }
        throw SystemFailure.error(errno, "write", path, whenFull: whenFull)
    }

    /// Gives the file the name `target`, in the place of another that has it.
    package func rename(to target: String) throws(TesseraError) {
        guard unsafe Glibc.rename(path, target) == 0 else {
            throw SystemFailure.error(errno, "write", target, whenFull: whenFull)
        }
    }

    /// Removes the file's name. A file that has none any more is no failure.
    package func remove() {
        unsafe unlink(path)
    }

    /// Removes the file's name and frees its space at once: a process that was started at this
    /// moment may hold the file open until it runs its own program.
    package func discard() {
        _ = ftruncate(descriptor, 0)
        remove()
    }
}

// MARK: Opening

extension OpenFile {
    /// Opens a path of any kind for reading; ``status()`` tells which. It never waits, not even for
    /// a pipe.
    package static func existing(_ path: String) throws(TesseraError) -> OpenFile {
        try OpenFile(path, O_RDONLY | O_NONBLOCK, "open")
    }

    /// Opens a regular file for reading. Throws `notFound`, `invalidArgument` (a folder, a pipe) or
    /// `unavailable`.
    package static func reading(_ path: String) throws(TesseraError) -> OpenFile {
        let file = try existing(path)
        switch try file.status().kind {
        case .file: return file
        case .folder:
            throw TesseraError(.invalidArgument, "'\(path)' is a folder; name a file in it")
        case .other:
            throw TesseraError(
                .invalidArgument,
                "'\(path)' is not a regular file and cannot be mapped; write it to a file first")
        }
    }

    /// Opens a folder, to synchronise its entries.
    package static func folder(_ path: String) throws(TesseraError) -> OpenFile {
        try OpenFile(path, O_RDONLY | O_DIRECTORY, "open")
    }

    /// Creates or empties a file for reading and writing.
    ///
    /// - Parameter isPrivate: whether a new file is for its owner alone.
    package static func creating(
        _ path: String, isPrivate: Bool = false
    ) throws(TesseraError) -> OpenFile {
        try OpenFile(
            path, O_RDWR | O_CREAT | O_TRUNC, "create", mode: isPrivate ? 0o600 : 0o644)
    }

    /// Creates a file for writing that must not be there yet.
    ///
    /// - Parameter whenFull: what to do about a full disk, as the end of a sentence.
    package static func creatingNew(
        _ path: String, whenFull: String = SystemFailure.freeSpace
    ) throws(TesseraError) -> OpenFile {
        try OpenFile(
            path, O_WRONLY | O_CREAT | O_EXCL, "create", mode: 0o644, whenFull: whenFull)
    }

    /// A file in `folder` without a name: it is gone with its descriptor, even after a kill.
    ///
    /// Made with a name that is removed at once: O_TMPFILE is missing on several file systems.
    package static func nameless(in folder: String) throws(TesseraError) -> OpenFile {
        var template = Array("\(folder)/tessera-scratch-XXXXXX".utf8CString)
        let descriptor = unsafe mkstemp(&template)
        guard descriptor >= 0 else { throw scratchFailure(errno, folder) }
        unsafe unlink(template)
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
        default:
            TesseraError(
                SystemFailure.error(code, "", "").code,
                unsafe "cannot create a file in scratch folder \(folder): "
                    + "\(String(cString: strerror(code)).lowercased()); name another with --scratch"
            )
        }
    }
}

// MARK: Reading and writing

extension OpenFile {
    /// Fills `buffer` from `offset` on. Throws `corrupted` where the file ends before.
    package func read(
        into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
    ) throws(TesseraError) {
        var done = 0
        while done < buffer.count, let base = buffer.baseAddress {
            guard let place = off_t(exactly: offset + UInt64(done)) else { break }
            let count = retrying {
                unsafe pread(descriptor, base + done, buffer.count - done, place)
            }
            if count < 0 { throw SystemFailure.error(errno, "read", path) }
            if count == 0 { break }
            done += count
        }
        guard done == buffer.count else {
            throw TesseraError(
                .corrupted,
                "'\(path)' ends at byte \(offset + UInt64(done)), before byte \(offset) plus "
                    + "\(buffer.count): it was cut, or changed while in use")
        }
    }

    /// The bytes in `range`. Throws as ``read(into:at:)``.
    package func bytes(_ range: Range<UInt64>) throws(TesseraError) -> [UInt8] {
        var failure: TesseraError?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
            do throws(TesseraError) {
                let target = unsafe UnsafeMutableRawBufferPointer(
                    start: buffer.baseAddress, count: range.count)
                unsafe try read(into: target, at: range.lowerBound)
                count = range.count
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// `count` bytes from `offset` on. Throws as ``read(into:at:)``.
    package func bytes(_ count: Int, at offset: Int) throws(TesseraError) -> [UInt8] {
        try bytes(UInt64(offset)..<UInt64(offset + count))
    }

    /// Writes all of `bytes` at `offset`. Throws `resourceExhausted` when the disk is full.
    ///
    /// They outlive a kill of the process, but a power cut only after ``synchronise()``.
    package func write(_ bytes: [UInt8], at offset: Int) throws(TesseraError) {
        let code = unsafe bytes.withUnsafeBytes { buffer -> Int32 in
            var done = 0
            while done < buffer.count, let base = buffer.baseAddress {
                let count = retrying {
                    unsafe pwrite(
                        descriptor, base + done, buffer.count - done, off_t(offset + done))
                }
                if count < 0 { return errno }
                if count == 0 { return ENOSPC }
                done += count
            }
            return 0
        }
        guard code == 0 else {
            throw SystemFailure.error(code, "write", path, whenFull: whenFull)
        }
    }
}

/// A signal may interrupt any slow call; that is no failure.
private func retrying(_ call: () -> Int) -> Int {
    while true {
        let result = call()
        if result >= 0 || errno != EINTR { return result }
    }
}
