// The one error type of the package. Its code names what the caller must do, not what broke;
// its message carries the offending values and the mend.

/// What the caller has to do about a failure. `shardctl` and the HTTP API map it to an exit code or
/// status.
package enum ErrorCode: String, Sendable, CaseIterable {
    /// The caller gave something unusable; the message names the file, row and value.
    case invalidArgument
    /// What was asked for does not exist.
    case notFound
    /// Another writer was faster; read the current state before a retry.
    case conflict
    /// Bytes from disk or network are not what was written.
    case corrupted
    /// A file, disk or server cannot be used right now.
    case unavailable
    /// The disk, a quota or a memory budget is used up.
    case resourceExhausted
    /// This build lacks what the input needs.
    case unsupported
    /// A bound that the caller set does not hold; the message has what was measured.
    case unmet
    /// The work was cancelled.
    case cancelled
}

/// A failure with the offending values and the mend in its message.
package struct TesseraError: Error, Sendable, CustomStringConvertible {
    package let code: ErrorCode
    /// Lower case, without a final full stop.
    package let message: String
    package let cause: (any Error)?

    package init(_ code: ErrorCode, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    package var description: String {
        guard let cause else { return message }
        return "\(message): \(cause)"
    }
}
