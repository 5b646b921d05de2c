// From errno to an error that says what to do.
internal import Glibc
internal import TesseraBase

enum SystemFailure {
    /// The error for system call failure `code` on `path`. `action` is a verb: "write".
    static func error(_ code: Int32, _ action: String, _ path: String) -> TesseraError {
        let reason = String(cString: strerror(code)).lowercased()
        let what = "cannot \(action) '\(path)': \(reason)"
        switch code {
        case ENOENT:
            return TesseraError(.notFound, what)
        case ENOSPC, EDQUOT, EFBIG:
            return TesseraError(
                .resourceExhausted, what + "; free space there, or move the store to a larger disk")
        case EMFILE, ENFILE:
            return TesseraError(
                .resourceExhausted, what + "; raise the limit on open files (ulimit -n)")
        case EACCES, EPERM:
            return TesseraError(
                .unavailable, what + "; give this user access to it, or run as one who has it")
        case EROFS:
            return TesseraError(.unavailable, what + "; mount it for writing")
        case ENOTDIR:
            return TesseraError(
                .invalidArgument, what + "; a file stands where a folder is needed")
        case ENAMETOOLONG:
            return TesseraError(.invalidArgument, what + "; use a shorter path")
        default:
            return TesseraError(.unavailable, what)
        }
    }
}
