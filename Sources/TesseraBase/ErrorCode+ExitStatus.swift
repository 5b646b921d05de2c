// How a program of the package ends where it failed: one table for all of them.

extension ErrorCode {
    /// After BSD's sysexits.h, as the programs' help says.
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
