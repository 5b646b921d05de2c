// Turns the error number of a failed system call on a file into an error that says what to do.
internal import Glibc

/// Turns `errno` into errors.
package enum SystemFailure {
    /// What to do about a full disk, unless the caller knows a better place.
    package static let freeSpace = "free some space there"

    /// The error for system call failure `code` on `path`.
    ///
    /// - Parameters:
    ///   - action: a verb, such as "write".
    ///   - whenFull: what to do about a full disk, as the end of a sentence.
    package static func error(
        _ code: Int32, _ action: String, _ path: String, whenFull: String = freeSpace
    ) -> TesseraError {
        let reason = unsafe String(cString: strerror(code)).lowercased()
        let what = "cannot \(action) '\(path)': \(reason)"
        switch code {
        case ENOENT:
            return TesseraError(.notFound, what + "; check the path")
        case ENOTDIR:
            return TesseraError(
                .invalidArgument, what + "; a file stands where a folder is needed")
        case EISDIR:
            return TesseraError(.invalidArgument, what + "; name a file in it")
        case ENAMETOOLONG:
            return TesseraError(.invalidArgument, what + "; use a shorter path")
        case ENOSPC, EDQUOT, EFBIG:
            return TesseraError(.resourceExhausted, what + "; " + whenFull)
        case EMFILE, ENFILE:
            return TesseraError(
                .resourceExhausted, what + "; raise the limit on open files (ulimit -n)")
        case ENOMEM:
            return TesseraError(.resourceExhausted, what)
        case EACCES, EPERM:
            return TesseraError(
                .unavailable,
                what + "; give this user access to it (ls -l shows owner and mode), "
                    + "or run as a user that has it")
        case EROFS:
            return TesseraError(.unavailable, what + "; mount it for writing")
        default:
            return TesseraError(.unavailable, what)
        }
    }
}
