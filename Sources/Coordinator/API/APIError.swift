// What the API answers when it does not answer: a status and a body {code, message, details}.
package import HTTPTypes
package import TesseraBase

/// A refusal or failure as a client gets to see it.
package struct APIError: Error, Sendable {
    /// The codes of openapi.json, each with its status.
    package enum Code: String, Sendable, CaseIterable {
        case invalidArgument = "invalid_argument"
        case unauthenticated
        case permissionDenied = "permission_denied"
        case notFound = "not_found"
        case methodNotAllowed = "method_not_allowed"
        case requestTimeout = "request_timeout"
        case conflict
        case payloadTooLarge = "payload_too_large"
        case overloaded
        case corrupted
        case internalError = "internal"
        case unsupported
        case unavailable
        case deadlineExceeded = "deadline_exceeded"
        case resourceExhausted = "resource_exhausted"

        package var status: HTTPResponse.Status {
            switch self {
            case .invalidArgument: .badRequest
            case .unauthenticated: .unauthorized
            case .permissionDenied: .forbidden
            case .notFound: .notFound
            case .methodNotAllowed: .methodNotAllowed
            case .requestTimeout: .requestTimeout
            case .conflict: .conflict
            case .payloadTooLarge: .contentTooLarge
            case .overloaded: .tooManyRequests
            case .corrupted, .internalError: .internalServerError
            case .unsupported: .notImplemented
            case .unavailable: .serviceUnavailable
            case .deadlineExceeded: .gatewayTimeout
            case .resourceExhausted:
                HTTPResponse.Status(
                    code: 507, reasonPhrase: "Insufficient Storage")
            }
        }
    }

    package let code: Code
    package let message: String
    /// The field of the request that is wrong.
    package var field: String?
    /// The limit that was passed.
    package var limit: Int?
    /// The byte of the body where reading stopped.
    package var offset: Int?
    /// For the Allow header of `methodNotAllowed`.
    package var allowed: [HTTPRequest.Method] = []
    /// For the log alone.
    package var cause: TesseraError?

    package init(
        _ code: Code, _ message: String, field: String? = nil, limit: Int? = nil,
        offset: Int? = nil
    ) {
        self.code = code
        self.message = message
        self.field = field
        self.limit = limit
        self.offset = offset
    }
}

extension APIError {
    /// A failure of the modules below. What a client can do nothing about is told to the log, not to the client: messages
    /// about damaged objects and unreachable stores name places that are nobody's business.
    package init(_ error: TesseraError) {
        switch error.code {
        case .invalidArgument: self.init(.invalidArgument, error.message)
        case .notFound: self.init(.notFound, error.message)
        case .conflict, .unmet: self.init(.conflict, error.message)
        case .unsupported: self.init(.unsupported, error.message)
        case .corrupted:
            self.init(
                .corrupted, "an object of the index is damaged; the server's log says which")
        case .unavailable:
            self.init(
                .unavailable, "shards or the store cannot be reached now; try again in a moment")
        case .resourceExhausted:
            self.init(
                .resourceExhausted, "a disk, quota or memory budget of the server is used up")
        case .cancelled:
            self.init(.unavailable, "the request was given up; try again in a moment")
        }
        cause = error
    }
}
