// The service without the native API: another surface stands on it, and shares nothing else.
import Coordinator
import Foundation
import HTTPTypes
import NIOCore
import SearchTypes
import TesseraBase
import Testing
import VectorCore

/// An API of one route: `GET /nearest/INDEX/ID` answers ids, one a line.
private struct LineAPI: Surface {
    struct Route: SurfaceRoute {
        let index: String
        let id: String

        let takesBody = false
        let access: Access? = .read
        let isSearch = true
    }

    let service: SearchService

    func route(_ method: HTTPRequest.Method, target: String) throws(APIError) -> Route? {
        let parts = target.split(separator: "/")
        guard parts.count == 3, parts[0] == "nearest" else { return nil }
        guard method == .get else { throw APIError(.methodNotAllowed, "only GET") }
        return Route(index: String(parts[1]), id: String(parts[2]))
    }

    nonisolated(nonsending) func answer(
        _ route: Route, body: ByteBuffer, start: SteadyClock.Instant
    ) async throws(APIError) -> APIAnswer {
        do throws(ServiceError) {
            let held = try service.hold(route.index)
            var query = SearchQuery(.id(route.id))
            query.k = 3
            let results = try await service.search(query, in: held, since: start)
            let lines = results.answers[0].answer.hits.map { $0.id + "\n" }.joined()
            _ = service.finish(results)
            return APIAnswer(contentType: "text/plain", body: ByteBuffer(string: lines))
        } catch {
            throw APIError(error)
        }
    }

    func answer(for error: APIError) -> APIAnswer {
        APIAnswer(
            status: error.code.status, contentType: "text/plain",
            body: ByteBuffer(string: "refused: \(error.code.rawValue)\n"))
    }
}

struct ServiceTests {
    @Test func `a second surface answers beside the native one, by the same service`() async throws
    {
        let index = try await PublishedIndex.shared.value
        try await withServer(index, { $0.surfaces = [{ LineAPI(service: $0) }] }) { server in
            let native = try await server.search(#"{"id":"v41","k":3}"#)
            let results = try #require(native.json["results"] as? [[String: Any]])
            let lines = try await server.ask("GET", "/nearest/photos/v41")
            #expect(lines.status == 200 && lines.headers["content-type"] == "text/plain")
            #expect(lines.headers["traceparent"]?.count == 55)
            #expect(
                lines.text.split(separator: "\n").map(String.init)
                    == results.compactMap { $0["id"] as? String })
            // Errors are in its own words, with the status of their code.
            for (method, path, status, code) in [
                ("GET", "/nearest/photos/x", 404, "not_found"),
                ("GET", "/nearest/other/v1", 404, "not_found"),
                ("POST", "/nearest/photos/v1", 405, "method_not_allowed"),
            ] {
                let refused = try await server.ask(method, path)
                #expect(refused.status == status && refused.text == "refused: \(code)\n")
            }
            // A path that neither has is the native API's to refuse.
            #expect(try await server.ask("GET", "/nearest/photos").code == "not_found")
            let stats = try await server.ask("GET", "/stats").json
            #expect((stats["requests"] as? [String: Any])?["queries"] as? Int == 2)
        }
    }

    /// A query that asks for what `change` says.
    private func query(_ change: (inout SearchQuery) -> Void) -> SearchQuery {
        var query = SearchQuery(.vectors([Float](repeating: 1, count: PublishedIndex.dimension)))
        change(&query)
        return query
    }

    private func refusal(
        of query: SearchQuery, in index: String = "photos", by service: SearchService
    ) async -> ServiceError? {
        do throws(ServiceError) {
            let held = try service.hold(index)
            _ = try await service.search(query, in: held, since: service.clock.now())
            return nil
        } catch {
            return error
        }
    }

    @Test func `the service's errors say what to do, and which parameter is wrong`() async throws {
        let index = try await PublishedIndex.shared.value
        let refused: [(SearchQuery, ServiceError.Code, ServiceError.Parameter?)] = [
            (query { $0.target = .vectors([]) }, .invalidArgument, .query),
            (query { $0.target = .vectors([1, 2, 3]) }, .invalidArgument, .query),
            (
                query {
                    $0.target = .vectors([Float](repeating: 1, count: 5 * PublishedIndex.dimension))
                }, .invalidArgument, .query
            ),
            (query { $0.target = .id("unknown") }, .notFound, nil),
            (query { $0.k = 0 }, .invalidArgument, .k),
            (
                query { $0.effort = .parameters(nprobe: 1_000_000, refine: nil) }, .invalidArgument,
                .nprobe
            ),
            (query { $0.effort = .recall(1.5) }, .invalidArgument, .recall),
            (query { $0.version = 7 }, .notFound, .version),
            (query { $0.extras = .metadata }, .unsupported, .extras),
            (query { $0.deadline = .zero }, .deadlineExceeded, .deadline),
        ]
        try await withServer(index, { $0.limits.service.batch = 4 }) { server in
            let service = server.server.service
            for (query, code, parameter) in refused {
                let error = await refusal(of: query, by: service)
                #expect(error?.code == code && error?.parameter == parameter, "\(query)")
            }
            let unknown = await refusal(of: query { _ in }, in: "nothing", by: service)
            #expect(unknown?.code == .notFound && unknown?.parameter == .index)
            #expect(await refusal(of: query { $0.extras = .vectors }, by: service) == nil)
        }
    }

    @Test func `keys hold for every surface`() async throws {
        let index = try await PublishedIndex.shared.value
        let keys = try SafetyTests.keys()
        try await withServer(
            index,
            {
                $0.keys = keys
                $0.surfaces = [{ LineAPI(service: $0) }]
            }
        ) { server in
            let refused = try await server.ask("GET", "/nearest/photos/v1")
            #expect(refused.status == 401 && refused.text == "refused: unauthenticated\n")
            let answered = try await server.ask(
                "GET", "/nearest/photos/v1", headers: ["x-api-key": SafetyTests.readKey])
            #expect(answered.status == 200)
        }
    }
}
