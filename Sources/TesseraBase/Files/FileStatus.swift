// What the file system says of a path or an open file, links followed.
package import Foundation
internal import Glibc

/// What a path names, as far as readers and writers care.
package enum FileKind: Sendable {
    case file, folder, other

    /// Nil where there is nothing, or nothing that can be reached; `errno` says which.
    package init?(at path: String) {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        self.init(status)
    }

    fileprivate init(_ status: stat) {
        switch status.st_mode & S_IFMT {
        case S_IFREG: self = .file
        case S_IFDIR: self = .folder
        default: self = .other
        }
    }
}

/// Kind, size and age of a file, folder or other thing.
package struct FileStatus: Sendable {
    /// Identifies a file or folder: equal for two paths that lead to the same one.
    package struct Identity: Sendable, Equatable {
        let device: UInt64
        let inode: UInt64
    }

    package let kind: FileKind
    /// Size in bytes; meaningless for folders.
    package let size: UInt64
    package let modified: Date
    package let identity: Identity
    /// Number of names (hard links) of the file.
    package let links: Int

    init(_ status: stat) {
        kind = FileKind(status)
        size = UInt64(status.st_size)
        modified = Date(
            timeIntervalSince1970: Double(status.st_mtim.tv_sec)
                + Double(status.st_mtim.tv_nsec) / 1e9)
        identity = Identity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
        links = Int(status.st_nlink)
    }

    /// What lies at a path; nil where there is nothing.
    package static func at(_ path: String) throws(TesseraError) -> FileStatus? {
        var status = stat()
        if unsafe stat(path, &status) == 0 { return FileStatus(status) }
        if errno == ENOENT || errno == ENOTDIR { return nil }
        throw SystemFailure.error(errno, "examine", path)
    }
}
