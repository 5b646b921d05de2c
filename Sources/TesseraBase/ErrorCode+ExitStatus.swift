// Exit statuses of the programs after a failure: one table for all of them.

extension ErrorCode {
    /// The exit status, after BSD's sysexits.h; the programs' help lists them.
    package var exitStatus: Int32 {
        switch self {
        case .invalidArgument: 65
        case .notFound: 66
        case .unavailable: 69
        case .resourceExhausted: 73
        case .conflict: 75
        case .corrupted: 76
        case .unsupported: 78
        case .unmet: 79
        case .cancelled: 130
        }
    }
}
