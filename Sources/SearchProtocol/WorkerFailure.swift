// What goes wrong at a worker, on its way over the wire and back.
package import GRPCCore
package import TesseraBase

extension RPCError {
    /// A failure as a coordinator gets it: the same message, the nearest of gRPC's codes.
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
    /// What `error`, thrown by a call to the worker `name`, means to the caller.
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
