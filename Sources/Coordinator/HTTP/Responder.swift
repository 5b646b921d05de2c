// The way of a request through the server: trace, route, key, body, answer, headers, log. Every
// answer of every surface passes here.
import Foundation
import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import TesseraBase
import Tracing

/// Answers every request of the server.
struct Responder: Sendable {
    /// Larger bodies are read and answered on other threads than those of the connections.
    private static let largestHere = 1 << 18

    let native: NativeAPI
    /// Surfaces beside the native one, asked in this order for paths that it does not have.
    let others: [any Surface]
    let keys: AccessKeys?
    let traces: TraceSource
    let statuses: StatusCounts
    let logger: Logger
    let logsAccess: Bool
    let bodyBytes: Int
    let clock: SteadyClock

    /// An answer, and the error that it tells of.
    private typealias Outcome = (answer: APIAnswer, failure: APIError?)

    nonisolated(nonsending) func respond(to request: Request) async -> Response {
        let start = clock.now()
        let trace = traces.context(of: request.headers[.traceparent])
        var service = ServiceContext.topLevel
        service.trace = trace
        let (answer, failure) = await ServiceContext.$current.withValue(service) {
            await self.answer(to: request, start: start)
        }
        var fields = HTTPFields()
        fields.reserveCapacity(6)
        // Appended, not set: none of these names is there yet, and a look costs a microsecond.
        fields.append(HTTPField(name: .contentType, value: answer.contentType))
        fields.append(
            HTTPField(name: .contentLength, value: String(answer.body.readableBytes)))
        fields.append(HTTPField(name: .traceparent, value: trace.header))
        for header in answer.headers { fields.append(header) }
        if let failure { Self.add(failure, to: &fields) }
        statuses.count(answer.status.code)
        if logsAccess || failure?.code.status.kind == .serverError {
            log(request, answer, failure, trace, clock.now() - start)
        }
        return Response(
            status: answer.status, headers: fields,
            body: ResponseBody(byteBuffer: answer.body))
    }

    nonisolated(nonsending) private func answer(
        to request: Request, start: SteadyClock.Instant
    ) async -> Outcome {
        if let outcome = await answer(to: request, from: native, start: start) { return outcome }
        for surface in others {
            if let outcome = await answer(to: request, from: surface, start: start) {
                return outcome
            }
        }
        let error = APIError(
            .notFound, "there is nothing at this path; GET /openapi.json has the paths")
        return (native.answer(for: error), error)
    }

    /// Nil for a path that the surface does not have.
    nonisolated(nonsending) private func answer(
        to request: Request, from surface: some Surface, start: SteadyClock.Instant
    ) async -> Outcome? {
        do throws(APIError) {
            guard
                let route = try surface.route(request.method, target: request.head.path ?? "")
            else { return nil }
            try authorise(request, for: route)
            let body = route.takesBody ? try await body(of: request) : ByteBuffer()
            return (try await answer(route, of: surface, body, start), nil)
        } catch {
            return (surface.answer(for: error), error)
        }
    }

    nonisolated(nonsending) private func answer<Spoken: Surface>(
        _ route: Spoken.Route, of surface: Spoken, _ body: ByteBuffer,
        _ start: SteadyClock.Instant
    ) async throws(APIError) -> APIAnswer {
        if route.isSearch, body.readableBytes <= Self.largestHere {
            let answer = try await surface.answer(route, body: body, start: start)
            await LoopExecutor.giveWay()
            return answer
        }
        let result = await withTaskExecutorPreference(globalConcurrentExecutor) {
            do throws(APIError) {
                return Result<APIAnswer, APIError>.success(
                    try await surface.answer(route, body: body, start: start))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private func authorise(_ request: Request, for route: some SurfaceRoute) throws(APIError) {
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
            throw APIError(.invalidArgument, "the body ended before its announced length")
        }
    }

    private static func add(_ failure: APIError, to fields: inout HTTPFields) {
        switch failure.code {
        case .overloaded: fields[.retryAfter] = "1"
        case .methodNotAllowed:
            fields[.allow] = failure.allowed.map(\.rawValue).joined(separator: ", ")
        case .unauthenticated: fields[.wwwAuthenticate] = "Bearer"
        // The unread body would be parsed as the next request, so close.
        case .payloadTooLarge: fields[.connection] = "close"
        default: break
        }
    }

    /// Logs one line. Bodies, keys and query strings are never logged.
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
    /// The fallbacks are never used: both texts are valid names.
    static let traceparent = HTTPField.Name("traceparent") ?? .via
    static let apiKey = HTTPField.Name("x-api-key") ?? .via
}
