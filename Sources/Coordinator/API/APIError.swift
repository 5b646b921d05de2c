// API errors: an HTTP status and a JSON body `{code, message, details}`.
package import HTTPTypes
package import TesseraBase

/// A refusal or failure as a client sees it.
package struct APIError: Error, Sendable {
    /// The error codes of openapi.json.
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

        /// The HTTP status of the code.
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
    /// The limit that was exceeded.
    package var limit: Int?
    /// Offset in the body where reading stopped, in bytes.
    package var offset: Int?
    /// Methods for the Allow header, if the code is `methodNotAllowed`.
    package var allowed: [HTTPRequest.Method] = []
    /// The failure behind this one, for the log alone.
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
    /// Translates an error of the service into the native API's code, field and words.
    ///
    /// - Parameter queryField: the field that the queries came in.
    package init(_ error: ServiceError, queryField: String = "vector") {
        var message = error.message
        // Only a surface knows where its clients can look.
        if error.parameter == .index { message += "; GET /v1/indexes lists those there are" }
        self.init(
            Code(error.code), message, field: error.parameter?.field(queries: queryField),
            limit: error.limit)
        cause = error.cause
    }
}

extension APIError.Code {
    fileprivate init(_ code: ServiceError.Code) {
        self =
            switch code {
            case .invalidArgument: .invalidArgument
            case .notFound: .notFound
            case .conflict: .conflict
            case .unsupported: .unsupported
            case .overloaded: .overloaded
            case .deadlineExceeded: .deadlineExceeded
            case .unavailable: .unavailable
            case .corrupted: .corrupted
            case .resourceExhausted: .resourceExhausted
            }
    }
}

extension ServiceError.Parameter {
    /// The name of this parameter in the body of a search; nil for one that is in the path.
    fileprivate func field(queries: String) -> String? {
        switch self {
        case .index: nil
        case .query: queries
        case .k: "k"
        case .nprobe: "nprobe"
        case .refine: "refine"
        case .recall: "recall"
        case .extras: "with"
        case .version: "version"
        case .deadline: "deadline_ms"
        }
    }
}
