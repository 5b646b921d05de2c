// An open file, and the only raw memory of the file store: full reads and full writes at a place.
internal import Foundation
internal import Glibc
internal import TesseraBase

/// An open file, closed with the value. `pread` keeps no position, so threads may share one.
struct FileDescriptor: ~Copyable, Sendable {
    let path: String
    private let raw: Int32

    init(open path: String, flags: Int32, mode: mode_t = 0) throws(TesseraError) {
        let raw = retrying { Int(Glibc.open(path, flags | O_CLOEXEC, mode)) }
        guard raw >= 0 else { throw SystemFailure.error(errno, "open", path) }
        self.raw = Int32(raw)
        self.path = path
    }

    deinit {
        close(raw)
    }

    func status() throws(TesseraError) -> stat {
        var status = stat()
        guard fstat(raw, &status) == 0 else { throw SystemFailure.error(errno, "examine", path) }
        return status
    }

    /// Fills `buffer` from `offset`; `corrupted` where the file ends before.
    func read(
        at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer
    ) throws(TesseraError) {
        var done = 0
        while done < buffer.count, let base = buffer.baseAddress {
            guard let place = off_t(exactly: offset + UInt64(done)) else { break }
            let count = retrying { pread(raw, base + done, buffer.count - done, place) }
            if count < 0 { throw SystemFailure.error(errno, "read", path) }
            if count == 0 { break }
            done += count
        }
        guard done == buffer.count else {
            throw TesseraError(
                .corrupted,
                "'\(path)' ends \(buffer.count - done) bytes before byte \(offset) plus \(buffer.count)"
            )
        }
    }

    func read(_ range: Range<UInt64>) throws(TesseraError) -> [UInt8] {
        var failure: TesseraError?
        let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
            do throws(TesseraError) {
                let target = UnsafeMutableRawBufferPointer(
                    start: buffer.baseAddress, count: range.count)
                try read(at: range.lowerBound, into: target)
                count = range.count
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Writes all of `bytes` and waits until the disk has them.
    func writeAndSync(_ bytes: [UInt8]) throws(TesseraError) {
        try write(bytes)
        try sync()
    }

    /// Writes all of `bytes`; they outlive a kill of the process, but not a power cut.
    func write(_ bytes: [UInt8]) throws(TesseraError) {
        let code = bytes.withUnsafeBytes { buffer -> Int32 in
            var done = 0
            while done < buffer.count, let base = buffer.baseAddress {
                let count = retrying { Glibc.write(raw, base + done, buffer.count - done) }
                if count < 0 { return errno }
                done += count
            }
            return 0
        }
        guard code == 0 else { throw SystemFailure.error(code, "write", path) }
    }

    /// Waits until the disk has what was written; for a folder, its entries.
    func sync() throws(TesseraError) {
        guard retrying({ Int(fsync(raw)) }) != 0 else { return }
        // Some network file systems cannot sync a folder and say so with EINVAL; they do it at once.
        guard errno != EINVAL else { return }
        throw SystemFailure.error(errno, "write", path)
    }
}

/// A signal may interrupt any slow call; that is no failure.
private func retrying(_ call: () -> Int) -> Int {
    while true {
        let result = call()
        if result >= 0 || errno != EINTR { return result }
    }
}

extension stat {
    var isFolder: Bool { st_mode & S_IFMT == S_IFDIR }
    var isFile: Bool { st_mode & S_IFMT == S_IFREG }

    var modified: Date {
        Date(timeIntervalSince1970: Double(st_mtim.tv_sec) + Double(st_mtim.tv_nsec) / 1e9)
    }
}
