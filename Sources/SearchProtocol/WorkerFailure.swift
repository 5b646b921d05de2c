// Translates a worker's errors to gRPC and back.
package import GRPCCore
package import TesseraBase

extension RPCError {
    /// The error that a coordinator receives: the same message with the nearest code of gRPC.
    package init(_ error: TesseraError) {
        let code: RPCError.Code =
            switch error.code {
            case .invalidArgument: .invalidArgument
            case .notFound: .notFound
            case .conflict: .aborted
            case .unmet: .failedPrecondition
            case .corrupted: .dataLoss
            case .unavailable: .unavailable
            case .resourceExhausted: .resourceExhausted
            case .unsupported: .unimplemented
            case .cancelled: .cancelled
            }
        self.init(code: code, message: error.description)
    }
}

extension TesseraError {
    /// Translates an error that a call to the worker `name` has thrown.
    package init(worker name: String, _ error: any Error) {
        guard let error = error as? RPCError else {
            self.init(.unavailable, "worker \(name) failed", cause: error)
            return
        }
        let code: ErrorCode =
            switch error.code {
            case .invalidArgument: .invalidArgument
            case .notFound: .notFound
            case .dataLoss: .corrupted
            case .resourceExhausted: .resourceExhausted
            case .unimplemented: .unsupported
            case .cancelled: .cancelled
            default: .unavailable
            }
        let what = error.code == .deadlineExceeded ? "did not answer in time" : "failed"
        self.init(code, "worker \(name) \(what): \(error.message)")
    }
}
