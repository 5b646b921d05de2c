// Errors for files that cannot be written: the path, the reason and the mend.
import Foundation
import Glibc
package import TesseraBase

/// Translates what the system reports.
package enum WriteFailure {
    /// The error for system call failure `code` on the file or folder at `path`.
    package static func error(_ code: Int32, _ path: String) -> TesseraError {
        let reason = unsafe String(cString: strerror(code)).lowercased()
        let what = "cannot write \(path)"
        switch code {
        case ENOENT:
            return TesseraError(
                .notFound, "\(what): the folder it should be in does not exist; make it first")
        case EISDIR:
            return TesseraError(.invalidArgument, "\(what): it is a folder; name a file")
        case EEXIST, ENOTDIR:
            return TesseraError(
                .invalidArgument, "\(what): a file stands where a folder is needed; name a folder")
        case ENOSPC, EDQUOT, EFBIG:
            return TesseraError(
                .resourceExhausted, "\(what): \(reason); free space there, or name another place")
        case EACCES, EPERM, EROFS:
            return TesseraError(
                .unavailable, "\(what): \(reason); name a place this user may write to")
        default:
            return TesseraError(.unavailable, "\(what): \(reason)")
        }
    }

    /// The system's error number under a Foundation error.
    package static func code(of error: any Error) -> Int32 {
        var current: NSError? = error as NSError
        while let known = current {
            if known.domain == NSPOSIXErrorDomain { return Int32(known.code) }
            current = known.userInfo[NSUnderlyingErrorKey] as? NSError
        }
        return EIO
    }
}
