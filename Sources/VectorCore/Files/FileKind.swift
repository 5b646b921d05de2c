// What lies at a path, links followed.
#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The kinds of things a path can name that make a difference to who writes there.
package enum FileKind: Sendable {
    case file, folder, other

    /// Nil where there is nothing, or nothing that can be reached; `errno` says which.
    package init?(at path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        switch status.st_mode & S_IFMT {
        case S_IFREG: self = .file
        case S_IFDIR: self = .folder
        default: self = .other
        }
    }
}
