// The native surface: what each of its routes answers, in the documents of openapi.json.
import Catalog
import Foundation
import HTTPTypes
import NIOCore
import TesseraBase

/// The API of openapi.json.
struct NativeAPI: Surface {
    /// The answer of a server that measures the cost of everything but searching.
    private static let constant = ByteBuffer(
        string: #"{"version":1,"results":[],"complete":true,"source":"ram","took_ms":0.000}"#)

    let service: SearchService
    let statuses: StatusCounts
    let connections: ConnectionCount
    let closing: Closing
    /// Whether every search gets ``constant``.
    let answersConstant: Bool

    func route(_ method: HTTPRequest.Method, target: String) throws(APIError) -> Route? {
        guard let route = Route(path: target) else { return nil }
        guard method == route.method else {
            var error = APIError(
                .methodNotAllowed,
                "this path takes \(route.method.rawValue), not \(method.rawValue.prefix(20))")
            error.allowed = [route.method]
            throw error
        }
        return route
    }

    func answer(for error: APIError) -> APIAnswer {
        APIAnswer(status: error.code.status, body: ErrorDocument(error).json)
    }

    nonisolated(nonsending) func answer(
        _ route: Route, body: ByteBuffer, start: SteadyClock.Instant
    ) async throws(APIError) -> APIAnswer {
        switch route {
        case .search(let name):
            if answersConstant { return APIAnswer(body: Self.constant) }
            return APIAnswer(body: try await search(name, body, start))
        case .publish(let name): return try await publish(name, AdminBody.draft(body))
        case .rollback(let name): return try await rollback(name, AdminBody.version(body))
        case .versions(let name): return try await versions(name)
        case .stats: return try document(await stats())
        case .metrics:
            return APIAnswer(
                contentType: "text/plain; version=0.0.4",
                body: ByteBuffer(string: await stats().prometheus)
            )
        default: return try answer(atOnce: route)
        }
    }

    /// Answers routes that wait for nothing.
    private func answer(atOnce route: Route) throws(APIError) -> APIAnswer {
        switch route {
        case .listIndexes:
            return try document(IndexList(indexes: service.indexes.all.map(IndexSummary.init)))
        case .index(let name):
            return try document(IndexDetail(index(name), service.limits))
        case .shards(let name):
            return try document(ShardList(name, manifest(of: name)))
        case .health: return try document(Health(uptimeS: service.uptime.seconds))
        case .ready:
            let readiness = Readiness(service.indexes.all, isClosing: closing.hasBegun)
            var answer = try document(readiness)
            if !readiness.ready { answer.status = .serviceUnavailable }
            return answer
        case .page:
            return APIAnswer(
                contentType: Page.contentType, headers: Page.headers, body: EmbeddedFiles.page)
        default: return APIAnswer(body: EmbeddedFiles.openapi)
        }
    }

    // MARK: Searching

    nonisolated(nonsending) private func search(
        _ name: String, _ body: ByteBuffer, _ start: SteadyClock.Instant
    ) async throws(APIError) -> ByteBuffer {
        let held = try hold(name)
        let search = try SearchBody(
            body.readableBytesUInt8Span,
            limits: BodyLimits(dimension: held.dimension, batch: service.limits.batch))
        let results: SearchResults
        do throws(ServiceError) {
            results = try await service.search(search.request, in: held, since: start)
        } catch {
            throw APIError(error, queryField: search.query == .vectors ? "vectors" : "vector")
        }
        var writer = AnswerWriter(results, to: search)
        writer.write()
        return writer.finish(took: service.finish(results))
    }

    private func hold(_ name: String) throws(APIError) -> HeldVersion {
        do throws(ServiceError) { return try service.hold(name) } catch { throw APIError(error) }
    }

    // MARK: Administration

    private func publish(_ name: String, _ draft: String) async throws(APIError) -> APIAnswer {
        let publication = try await translated { () async throws(ServiceError) in
            try await service.publish(draft: draft, in: name)
        }
        return try document(
            PublicationDocument(
                publication.manifest, alreadyPublished: publication.alreadyPublished))
    }

    private func rollback(_ name: String, _ version: Int) async throws(APIError) -> APIAnswer {
        let manifest = try await translated { () async throws(ServiceError) in
            try await service.rollback(to: version, in: name)
        }
        return try document(PublicationDocument(manifest, alreadyPublished: false))
    }

    private func versions(_ name: String) async throws(APIError) -> APIAnswer {
        let versions = try await translated { () async throws(ServiceError) in
            try await service.versions(of: name)
        }
        return try document(VersionList(versions))
    }

    private func stats() async -> StatsDocument {
        StatsDocument(
            await service.report(), indexes: service.indexes, byStatus: statuses.byStatus,
            connections: connections.open)
    }

    // MARK: Helpers

    private func document(_ value: some Encodable) throws(APIError) -> APIAnswer {
        do {
            return APIAnswer(body: ByteBuffer(bytes: try JSONEncoder.api.encode(value)))
        } catch {
            throw APIError(.internalError, "the answer could not be encoded as JSON")
        }
    }

    private func index(_ name: String) throws(APIError) -> ServedIndex {
        do throws(ServiceError) { return try service.index(name) } catch { throw APIError(error) }
    }

    private func manifest(of name: String) throws(APIError) -> Manifest {
        do throws(ServiceError) {
            return try service.manifest(of: name)
        } catch {
            throw APIError(error)
        }
    }

    private func translated<Value>(
        _ call: () async throws(ServiceError) -> Value
    ) async throws(APIError) -> Value {
        do throws(ServiceError) { return try await call() } catch { throw APIError(error) }
    }
}

extension JSONEncoder {
    /// Writes names in snake case, sorted, and times in ISO 8601.
    static var api: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.dateEncodingStrategy = .iso8601
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }
}

extension ErrorDocument {
    /// The document's bytes, with a fixed text for an error that cannot be encoded.
    var json: ByteBuffer {
        guard let bytes = try? JSONEncoder.api.encode(self) else {
            let text = "the error could not be encoded as JSON"
            return ByteBuffer(
                string: #"{"code":"internal","message":"\#(text)","details":{}}"#)
        }
        return ByteBuffer(bytes: bytes)
    }
}
