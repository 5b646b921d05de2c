// Turns an unsuccessful or missing answer into an error that names the cause and the mend. Pure.
internal import Foundation
import HTTPClient
internal import TesseraBase

extension HTTPFailure {
    var isRetryable: Bool {
        switch kind {
        case .timedOut, .unknownHost, .cannotConnect, .interrupted: true
        case .cancelled, .badRequest, .untrusted, .tooLarge, .closed: false
        }
    }

    var isUnreachable: Bool {
        switch kind {
        case .unknownHost, .cannotConnect: true
        case .timedOut: !mayHaveArrived
        default: false
        }
    }
}

/// The request that failed, for messages.
struct S3Attempt: Sendable {
    /// A verb and its object for the message: "read 's3://bucket/key'".
    let what: String
    let bucket: String
    /// `s3://bucket/key`, nil where the request is about the bucket.
    let object: String?
    let region: String
    let isWrite: Bool
    let time: Date
}

/// An `<Error>` document.
struct S3ErrorDocument: Equatable {
    let code: String
    let message: String
    let region: String?

    init(_ body: [UInt8]) {
        let tree = try? XMLTree(body)
        let error = tree?.name == "Error" ? tree : nil
        code = Self.plain(error?["Code"]?.text)
        message = Self.plain(error?["Message"]?.text)
        region = error?["Region"]?.text
    }

    /// The text as one short line for a terminal.
    private static func plain(_ text: String?) -> String {
        let clean = (text ?? "").unicodeScalars.filter { $0.properties.generalCategory != .control }
        return String(String(String.UnicodeScalarView(clean)).prefix(300))
    }
}

enum S3Failure {
    /// The error for an answer with an unsuccessful status.
    ///
    /// - Parameter isFinal: whether a retry is known to be useless.
    static func error(
        _ response: HTTPResponse, _ attempt: S3Attempt, isFinal: Bool = false
    ) -> TesseraError {
        let document = S3ErrorDocument(response.body)
        let (code, reason) = verdict(response, document, attempt)
        return TesseraError(
            code, reason, cause: failure(response, document, attempt, isFinal: isFinal))
    }

    /// The error for a request that was not answered.
    static func error(_ failure: HTTPFailure, _ attempt: S3Attempt) -> TesseraError {
        if failure.kind == .cancelled {
            return TesseraError(
                .cancelled, "cannot \(attempt.what): the request was cancelled",
                cause: cause(failure, attempt))
        }
        let mend =
            switch failure.kind {
            case .unknownHost: "; check the endpoint and the region"
            case .cannotConnect: "; check that the endpoint is right and the store is up"
            case .untrusted:
                "; the store's certificate is not trusted: name its authority in AWS_CA_BUNDLE"
            default: ""
            }
        return TesseraError(
            .unavailable, "cannot \(attempt.what): \(failure.message)\(mend)",
            cause: cause(failure, attempt))
    }

    private static func cause(_ failure: HTTPFailure, _ attempt: S3Attempt) -> StoreFailure {
        StoreFailure(
            isRetryable: failure.isRetryable,
            outcomeUnknown: attempt.isWrite && failure.mayHaveArrived,
            isUnreachable: failure.isUnreachable,
            detail: "no answer (\(failure.kind))")
    }

    /// The error for an answer with a successful status and wrong content.
    static func damaged(_ reason: String, _ attempt: S3Attempt) -> TesseraError {
        TesseraError(
            .unavailable, "cannot \(attempt.what): \(reason)",
            cause: StoreFailure(
                isRetryable: true, outcomeUnknown: attempt.isWrite, detail: "damaged answer"))
    }

    private static func verdict(
        _ response: HTTPResponse, _ document: S3ErrorDocument, _ attempt: S3Attempt
    ) -> (ErrorCode, String) {
        let what = "cannot \(attempt.what): "
        switch (response.status, document.code) {
        case (404, "NoSuchBucket"):
            return (
                .notFound,
                what
                    + "there is no bucket '\(attempt.bucket)' at this store; create it, or check name, endpoint and region"
            )
        case (404, "NoSuchUpload"):
            return (.unavailable, what + "the store lost the upload")
        case (404, _):
            return (
                .notFound,
                attempt.object.map { "there is no object '\($0)'" } ?? what
                    + said(response, document)
            )
        case (416, _):
            return (.invalidArgument, what + "the range lies past the end of the object")
        case (412, _):
            return (.conflict, what + said(response, document))
        case (_, "RequestTimeTooSkewed"):
            return (.unavailable, what + said(response, document) + skew(response, attempt))
        case (_, "SignatureDoesNotMatch"):
            return (.unavailable, what + said(response, document) + "; check AWS_SECRET_ACCESS_KEY")
        case (_, "InvalidAccessKeyId"):
            return (
                .unavailable,
                what + said(response, document) + "; check AWS_ACCESS_KEY_ID and the endpoint"
            )
        case (_, "ExpiredToken"), (_, "TokenRefreshRequired"), (_, "InvalidToken"):
            return (
                .unavailable,
                what + said(response, document) + "; renew AWS_SESSION_TOKEN and its keys"
            )
        case (_, "QuotaExceeded"), (507, _):
            return (.resourceExhausted, what + said(response, document))
        case (301, _), (307, _), (_, "AuthorizationHeaderMalformed"), (_, "PermanentRedirect"):
            return (
                .unavailable, what + said(response, document) + region(response, document, attempt)
            )
        case (403, _):
            return (
                .unavailable,
                what + said(response, document) + "; the key needs the right to do this"
            )
        default:
            return (.unavailable, what + said(response, document))
        }
    }

    private static func said(_ response: HTTPResponse, _ document: S3ErrorDocument) -> String {
        let text = [document.code, document.message].filter { !$0.isEmpty }.joined(separator: ": ")
        return text.isEmpty
            ? "the store answered with status \(response.status)"
            : "\(text) (status \(response.status))"
    }

    private static func skew(_ response: HTTPResponse, _ attempt: S3Attempt) -> String {
        guard let date = response.headers["date"].flatMap({ S3Time.date(http: $0) }) else {
            return "; set this machine's clock"
        }
        let seconds = Int(attempt.time.timeIntervalSince(date).rounded())
        return
            "; this machine's clock is \(abs(seconds)) s \(seconds < 0 ? "behind" : "ahead of") the store's: set it"
    }

    private static func region(
        _ response: HTTPResponse, _ document: S3ErrorDocument, _ attempt: S3Attempt
    ) -> String {
        guard let region = response.headers["x-amz-bucket-region"] ?? document.region,
            region != attempt.region
        else { return "; check AWS_REGION and the endpoint" }
        return "; the bucket is in region '\(region)', not '\(attempt.region)': set AWS_REGION"
    }

    private static func failure(
        _ response: HTTPResponse, _ document: S3ErrorDocument, _ attempt: S3Attempt, isFinal: Bool
    ) -> StoreFailure {
        let isThrottle = isThrottle(response, document)
        let parts = [
            "HTTP \(response.status)", document.code,
            response.headers["x-amz-request-id"].map { "request \($0.prefix(80))" } ?? "",
        ]
        return StoreFailure(
            status: response.status,
            isRetryable: !isFinal
                && (isThrottle || isRetryable(response.status, document.code)),
            isThrottle: isThrottle, retryAfter: retryAfter(response, attempt),
            outcomeUnknown: attempt.isWrite && response.status >= 500,
            detail: parts.filter { !$0.isEmpty }.joined(separator: " "))
    }

    private static func isThrottle(_ response: HTTPResponse, _ document: S3ErrorDocument) -> Bool {
        let codes = [
            "SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded",
            "TooManyRequests",
        ]
        if response.status == 429 || codes.contains(document.code) { return true }
        return response.status == 503
            && (document.code.isEmpty || response.headers["retry-after"] != nil)
    }

    private static func isRetryable(_ status: Int, _ code: String) -> Bool {
        let codes: Set = [
            "RequestTimeout", "BadDigest", "XAmzContentSHA256Mismatch", "IncompleteBody",
            "ConditionalRequestConflict", "OperationAborted", "NoSuchUpload", "InternalError",
            "ExpiredToken", "TokenRefreshRequired",
        ]
        return codes.contains(code) || [408, 409, 425, 500, 502, 503, 504].contains(status)
    }

    /// The `Retry-After` header, in seconds or as a date.
    private static func retryAfter(_ response: HTTPResponse, _ attempt: S3Attempt) -> Duration? {
        guard let text = response.headers["retry-after"] else { return nil }
        if let seconds = Double(text), seconds >= 0, seconds < 86_400 { return .seconds(seconds) }
        guard let date = S3Time.date(http: text) else { return nil }
        return .seconds(max(0, min(86_400, date.timeIntervalSince(attempt.time))))
    }
}
