// What each route answers.
import Catalog
import Foundation
import HTTPTypes
import NIOCore
import SearchTypes
import TesseraBase

/// A whole answer.
struct APIAnswer: Sendable {
    var status = HTTPResponse.Status.ok
    var contentType = "application/json"
    /// Besides those of every answer.
    var headers: [HTTPField] = []
    var body: ByteBuffer
}

/// Answers requests that were let in.
struct APIHandler: Sendable {
    /// What is answered where answers are all the same.
    private static let constant = ByteBuffer(
        string: #"{"version":1,"results":[],"complete":true,"source":"ram","took_ms":0.000}"#)

    let indexes: ServedIndexes
    let search: SearchHandler
    let statistics: ServerStatistics
    let settings: ServerSettings
    let connections: ConnectionCount
    let tierReports: @Sendable () async -> [TierReport]
    let closing: Closing
    /// One publish or rollback at a time: each reads back a whole version.
    let publishing = AdmissionGate(places: 1, seats: 0)

    nonisolated(nonsending) func answer(
        _ route: Route, body: ByteBuffer, start: SteadyClock.Instant
    ) async throws(APIError) -> APIAnswer {
        switch route {
        case .search(let name):
            if settings.answersConstant { return APIAnswer(body: Self.constant) }
            let body = try await search.answer(name, body: body, start: start)
            await LoopExecutor.giveWay()
            return APIAnswer(body: body)
        case .listIndexes:
            return try document(IndexList(indexes: indexes.all.map(IndexSummary.init)))
        case .index(let name):
            return try document(IndexDetail(index(name), settings.limits))
        case .versions(let name): return try await versions(index(name))
        case .shards(let name):
            let index = try index(name)
            guard let manifest = index.manifest else { throw .notServed(index) }
            return try document(ShardList(name, manifest))
        case .publish(let name):
            let draft = try AdminBody.draft(body)
            let index = try index(name)
            return try await change(index) { () async throws(TesseraError) in
                let publication = try await index.catalog.publish(
                    draftID: draft, measure: settings.measure)
                return PublicationDocument(
                    publication.manifest, alreadyPublished: publication.alreadyPublished)
            }
        case .rollback(let name):
            let version = try AdminBody.version(body)
            let index = try index(name)
            return try await change(index) { () async throws(TesseraError) in
                PublicationDocument(
                    try await index.catalog.rollback(to: version), alreadyPublished: false)
            }
        case .health:
            return try document(Health(uptimeS: statistics.uptime.inSeconds))
        case .ready:
            let readiness = Readiness(indexes.all, isClosing: closing.hasBegun)
            var answer = try document(readiness)
            if !readiness.ready { answer.status = .serviceUnavailable }
            return answer
        case .stats: return try document(await stats())
        case .metrics:
            return APIAnswer(
                contentType: "text/plain; version=0.0.4",
                body: ByteBuffer(string: await stats().prometheus)
            )
        case .openapi: return APIAnswer(body: EmbeddedFiles.openapi)
        case .page:
            return APIAnswer(
                contentType: Page.contentType, headers: Page.headers, body: EmbeddedFiles.page)
        }
    }

    private func index(_ name: String) throws(APIError) -> ServedIndex {
        guard let index = indexes[name] else { throw .unknownIndex(name) }
        return index
    }

    private func versions(_ index: ServedIndex) async throws(APIError) -> APIAnswer {
        let list: VersionList
        do throws(TesseraError) {
            let entries = try await index.catalog.versions()
            let drafts = try await index.catalog.drafts()
            list = VersionList(
                index: index.name, serving: Nullable(index.status.version),
                versions: entries.map(VersionList.Version.init),
                drafts: drafts.map(VersionList.WaitingDraft.init))
        } catch {
            throw APIError(error)
        }
        return try document(list)
    }

    /// Makes a new version and has it looked for at once.
    private func change(
        _ index: ServedIndex,
        _ make: () async throws(TesseraError) -> PublicationDocument
    ) async throws(APIError) -> APIAnswer {
        guard publishing.tryEnter() else {
            throw APIError(
                .overloaded, "another publish or rollback is under way; try again when it is done")
        }
        defer { publishing.leave() }
        let publication: PublicationDocument
        do throws(TesseraError) { publication = try await make() } catch { throw APIError(error) }
        index.bell.ring()
        return try document(publication)
    }

    private func stats() async -> StatsDocument {
        StatsDocument(
            statistics, gate: search.gate, cache: search.cache, queryLog: search.queryLog,
            indexes: indexes, connections: connections.open, tiers: await tierReports())
    }

    private func document(_ value: some Encodable) throws(APIError) -> APIAnswer {
        do {
            return APIAnswer(body: ByteBuffer(bytes: try JSONEncoder.api.encode(value)))
        } catch {
            throw APIError(.internalError, "an answer cannot be written as JSON")
        }
    }
}

extension JSONEncoder {
    /// Names in snake case, sorted; times in ISO 8601.
    static var api: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.dateEncodingStrategy = .iso8601
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }
}

extension ErrorDocument {
    /// Its bytes. An error that cannot be written as JSON is still an error.
    var json: ByteBuffer {
        guard let bytes = try? JSONEncoder.api.encode(self) else {
            return ByteBuffer(
                string: #"{"code":"internal","message":"the error has no words","details":{}}"#)
        }
        return ByteBuffer(bytes: bytes)
    }
}

extension Duration {
    var inSeconds: Double { Double(nanoseconds) / 1e9 }
}
