// From a request to its answer: trace, key, size, route, error. Every answer of the API passes here.
import Foundation
import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import Synchronization
import TesseraBase
import Tracing

/// Whether the server was told to end.
final class Closing: Sendable {
    private let flag = Atomic(false)

    var hasBegun: Bool { flag.load(ordering: .relaxed) }

    func begin() {
        flag.store(true, ordering: .relaxed)
    }
}

/// Answers every request of the server.
struct Responder: Sendable {
    /// Larger bodies are read and answered on other threads than those of the connections.
    private static let largestHere = 1 << 18

    let handler: APIHandler
    let keys: AccessKeys?
    let traces: TraceSource
    let logger: Logger
    let logsAccess: Bool
    let bodyBytes: Int

    nonisolated(nonsending) func respond(to request: Request) async -> Response {
        let start = SteadyClock.system.now()
        let trace = traces.context(of: request.headers[.traceparent])
        var service = ServiceContext.topLevel
        service.trace = trace
        let (answer, failure) = await ServiceContext.$current.withValue(service) {
            await self.answer(to: request, start: start)
        }
        var fields = HTTPFields()
        fields.reserveCapacity(6)
        // Appended, not set: nothing of these names is there yet, and looking for it takes a microsecond.
        fields.append(HTTPField(name: .contentType, value: answer.contentType))
        fields.append(
            HTTPField(name: .contentLength, value: String(answer.body.readableBytes)))
        fields.append(HTTPField(name: .traceparent, value: trace.header))
        for header in answer.headers { fields.append(header) }
        if let failure { Self.add(failure, to: &fields) }
        handler.statistics.count(status: answer.status.code)
        if logsAccess || failure?.code.status.kind == .serverError {
            log(request, answer, failure, trace, SteadyClock.system.now() - start)
        }
        return Response(
            status: answer.status, headers: fields,
            body: ResponseBody(byteBuffer: answer.body))
    }

    nonisolated(nonsending) private func answer(
        to request: Request, start: SteadyClock.Instant
    ) async -> (APIAnswer, APIError?) {
        do throws(APIError) {
            let route = try route(of: request)
            try authorise(request, for: route)
            let body =
                route.method == .post ? try await body(of: request) : ByteBuffer()
            return (try await answer(route, body, start), nil)
        } catch {
            let body = ErrorDocument(error).json
            return (APIAnswer(status: error.code.status, body: body), error)
        }
    }

    nonisolated(nonsending) private func answer(
        _ route: Route, _ body: ByteBuffer, _ start: SteadyClock.Instant
    ) async throws(APIError) -> APIAnswer {
        let isSearch = if case .search = route { true } else { false }
        if isSearch, body.readableBytes <= Self.largestHere {
            return try await handler.answer(route, body: body, start: start)
        }
        let result = await withTaskExecutorPreference(globalConcurrentExecutor) {
            do throws(APIError) {
                return Result<APIAnswer, APIError>.success(
                    try await handler.answer(route, body: body, start: start))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private func route(of request: Request) throws(APIError) -> Route {
        guard let route = Route(path: request.head.path ?? "") else {
            throw APIError(
                .notFound, "there is nothing at this path; GET /openapi.json has the paths")
        }
        guard request.method == route.method else {
            var error = APIError(
                .methodNotAllowed,
                "this path takes \(route.method.rawValue), not \(request.method.rawValue.prefix(20))"
            )
            error.allowed = [route.method]
            throw error
        }
        return route
    }

    private func authorise(_ request: Request, for route: Route) throws(APIError) {
        guard let keys, let needed = route.access else { return }
        let bearer = "Bearer "
        let given: String?
        if let field = request.headers[.authorization], field.hasPrefix(bearer) {
            given = String(field.dropFirst(bearer.count))
        } else {
            given = request.headers[.apiKey]
        }
        guard let given, let access = keys.access(of: given) else {
            throw APIError(
                .unauthenticated,
                given == nil
                    ? "a key is needed: Authorization: Bearer KEY, or X-API-Key: KEY"
                    : "the key is not known")
        }
        guard access >= needed else {
            throw APIError(
                .permissionDenied, "the key may read; publish and rollback take an admin key")
        }
    }

    nonisolated(nonsending) private func body(
        of request: Request
    ) async throws(APIError) -> ByteBuffer {
        let tooLarge = APIError(
            .payloadTooLarge, "the body is larger than the \(bodyBytes) bytes allowed",
            limit: bodyBytes)
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > bodyBytes {
            throw tooLarge
        }
        do {
            return try await request.body.collect(upTo: bodyBytes)
        } catch is NIOTooManyBytesError {
            throw tooLarge
        } catch {
            throw APIError(.invalidArgument, "the body ended before its length was there")
        }
    }

    private static func add(_ failure: APIError, to fields: inout HTTPFields) {
        switch failure.code {
        case .overloaded: fields[.retryAfter] = "1"
        case .methodNotAllowed:
            fields[.allow] = failure.allowed.map(\.rawValue).joined(separator: ", ")
        case .unauthenticated: fields[.wwwAuthenticate] = "Bearer"
        // The rest of the body is nobody's.
        case .payloadTooLarge: fields[.connection] = "close"
        default: break
        }
    }

    /// Neither bodies nor keys nor query strings are logged.
    private func log(
        _ request: Request, _ answer: APIAnswer, _ failure: APIError?, _ trace: TraceContext,
        _ took: Duration
    ) {
        let path = (request.head.path ?? "").prefix { $0 != "?" }.prefix(200)
        var metadata: Logger.Metadata = [
            "method": "\(request.method.rawValue.prefix(20))", "path": "\(path)",
            "status": "\(answer.status.code)", "took_us": "\(took.nanoseconds / 1000)",
            "trace": "\(trace.traceID)",
        ]
        if let failure { metadata["error"] = "\(failure.cause?.description ?? failure.message)" }
        logger.log(
            level: failure?.code.status.kind == .serverError ? .warning : .info, "request",
            metadata: metadata)
    }
}

extension HTTPField.Name {
    /// Written in tokens, so these are names.
    static let traceparent = HTTPField.Name("traceparent") ?? .via
    static let apiKey = HTTPField.Name("x-api-key") ?? .via
}
