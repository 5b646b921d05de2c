// One search request, from the bytes of its body to the bytes of its answer.
//
// Invariant: the version that was current when the request was read answers it, whatever is published meanwhile.
import Catalog
import NIOCore
import SearchTypes
import TesseraBase
import VectorCore

/// Answers searches.
struct SearchHandler: Sendable {
    /// Results whose vectors are fetched for one request.
    static let mostVectors = 1000

    let indexes: ServedIndexes
    let gate: AdmissionGate
    let statistics: ServerStatistics
    let cache: ResponseCache?
    let queryLog: QueryLog?
    let limits: ServerLimits

    /// - Parameters:
    ///   - start: when the request arrived.
    ///   - body: the request's JSON.
    nonisolated(nonsending) func answer(
        _ name: String, body: ByteBuffer, start: SteadyClock.Instant
    ) async throws(APIError) -> ByteBuffer {
        guard let index = indexes[name] else { throw .unknownIndex(name) }
        guard let version = index.acquire() else { throw .notServed(index) }
        defer { version.release() }
        let search = try SearchBody(
            body.readableBytesUInt8Span,
            limits: BodyLimits(dimension: version.manifest.index.dimension, batch: limits.batch))
        let query = try PlannedQuery(search, version, limits, index: name)
        let clock = SteadyClock.system
        let parsed = clock.now()
        let deadline = start + (search.deadline ?? limits.deadline)
        guard parsed < deadline else { throw .late }
        if !gate.tryEnter() { try await gate.enter(deadline: deadline) }
        defer { gate.leave() }
        let admitted = clock.now()
        guard admitted < deadline else { throw .late }
        let (answers, isCached) = try await answers(query, version, deadline)
        let vectors =
            search.extras.contains(.vector) ? try await vectors(answers, version, deadline) : nil
        let searched = clock.now()
        let results = answers.reduce(0) { $0 + $1.answer.hits.count }
        var writer = AnswerWriter(
            metric: version.metric, extras: search.extras, threshold: search.scoreThreshold,
            results: results)
        writer.write(
            version: version.number, answers, isBatch: search.query == .vectors, vectors: vectors,
            explain: search.explain, isCached: isCached)
        let written = clock.now()
        writer.finish(took: written - start)
        statistics.count(
            StageTimes(
                start: start, parsed: parsed, admitted: admitted, searched: searched,
                written: written), answers, isCached: isCached)
        queryLog?.offer(
            search.floats, dimension: version.manifest.index.dimension, to: index.name)
        return writer.buffer
    }

    nonisolated(nonsending) private func answers(
        _ query: PlannedQuery, _ version: ServedVersion, _ deadline: SteadyClock.Instant
    ) async throws(APIError) -> (answers: [BackendAnswer], isCached: Bool) {
        let key = cache == nil ? nil : query.key(version)
        if let cache, let key, let answers = cache.answers(key) { return (answers, true) }
        do throws(TesseraError) {
            let answers: [BackendAnswer]
            if case .id(let id) = query.body.query {
                answers = try await like(id, query, version, deadline)
            } else {
                answers = try await version.backend.search(
                    SearchRequest(
                        queries: query.matrix, options: query.options, deadline: deadline,
                        allowPartial: query.body.allowPartial))
            }
            guard answers.count == max(1, query.matrix.rows) else {
                throw TesseraError(
                    .corrupted, "\(answers.count) answers to \(query.matrix.rows) queries")
            }
            if let cache, let key { cache.keep(answers, for: key) }
            return (answers, false)
        } catch {
            throw APIError(error, deadline: deadline)
        }
    }

    /// The neighbours of a vector of the index, without itself.
    private func like(
        _ id: String, _ query: PlannedQuery, _ version: ServedVersion,
        _ deadline: SteadyClock.Instant
    ) async throws(TesseraError) -> [BackendAnswer] {
        guard let vector = try await version.backend.vector(of: id) else {
            throw TesseraError(
                .notFound,
                "there is no id '\(id.prefix(100))' in version \(version.number) of index '\(query.index)'"
            )
        }
        var options = query.options
        options.k = min(options.k + 1, version.manifest.index.vectors)
        options.refineDepth = max(options.refineDepth, options.k)
        let answers = try await version.backend.search(
            SearchRequest(
                queries: Matrix(rows: 1, columns: vector.count, elements: vector),
                options: options, deadline: deadline, allowPartial: query.body.allowPartial))
        return answers.map { answer in
            var others = answer
            others.answer = SearchAnswer(
                hits: Array(answer.answer.hits.filter { $0.id != id }.prefix(query.options.k)),
                receipt: answer.answer.receipt)
            return others
        }
    }

    /// The stored vectors of all results.
    private func vectors(
        _ answers: [BackendAnswer], _ version: ServedVersion,
        _ deadline: SteadyClock.Instant
    ) async throws(APIError) -> [[[Float]]] {
        let hits = answers.flatMap(\.answer.hits)
        guard hits.count <= Self.mostVectors else {
            throw APIError(
                .invalidArgument,
                "vectors of \(hits.count) results are too many for one request; ask for at most \(Self.mostVectors)",
                field: "with", limit: Self.mostVectors)
        }
        do throws(TesseraError) {
            let found = try await version.backend.vectors(of: hits)
            var start = 0
            return answers.map { answer in
                defer { start += answer.answer.hits.count }
                return Array(found[start..<start + answer.answer.hits.count])
            }
        } catch {
            throw APIError(error, deadline: deadline)
        }
    }
}

/// A request that fits the version that answers it.
struct PlannedQuery {
    let body: SearchBody
    let index: String
    let options: SearchOptions
    /// `[queries][dimension]`, of unit length where the metric normalises; no rows for an id.
    let matrix: Matrix

    init(
        _ body: SearchBody, _ version: ServedVersion, _ limits: ServerLimits, index: String
    ) throws(APIError) {
        if let wanted = body.version, wanted != version.number {
            throw APIError(
                .notFound,
                "version \(wanted) of index '\(index)' does not answer queries; version \(version.number) does",
                field: "version")
        }
        guard !body.extras.contains(.metadata) else {
            throw APIError(
                .unsupported, "index '\(index)' holds no metadata; leave it out of with",
                field: "with")
        }
        self.body = body
        self.index = index
        let dimension = version.manifest.index.dimension
        var matrix = Matrix(
            rows: body.floats.count / dimension, columns: dimension, elements: body.floats)
        if version.metric.normalises, matrix.rows > 0 { try Self.normalise(&matrix, body) }
        self.matrix = matrix
        do throws(TesseraError) {
            if let recall = body.recall {
                options = try version.limits.options(k: body.k, recall: recall, batch: 1)
            } else {
                options = try version.limits.options(
                    k: body.k, nprobe: body.nprobe, refine: body.refine, batch: 1)
            }
        } catch {
            var failure = APIError(error)
            // The messages begin with the name of what is out of range.
            let name = error.message.prefix { $0 != " " }
            failure.field = ["k", "nprobe", "refine", "recall"].first { $0 == name }
            throw failure
        }
    }

    private static func normalise(
        _ matrix: inout Matrix, _ body: SearchBody
    ) throws(APIError) {
        do throws(TesseraError) {
            try VectorCore.normalise(&matrix, firstRow: 0, file: "the request")
        } catch {
            throw APIError(
                .invalidArgument,
                "a query of zeros has no direction, which the cosine metric goes by; leave it out",
                field: body.query == .vector ? "vector" : "vectors")
        }
    }

    func key(_ version: ServedVersion) -> ResponseCache.Key? {
        guard !body.explain else { return nil }
        var id: String?
        if case .id(let given) = body.query { id = given }
        return ResponseCache.Key(
            version: version.number, index: index, id: id, floats: matrix.elements, k: options.k,
            probeCount: options.probeCount, refineDepth: options.refineDepth,
            probeShards: options.probeShards)
    }
}

extension SearchBody {
    var deadline: Duration? {
        deadlineMilliseconds.map { .nanoseconds(Int64($0 * 1e6)) }
    }
}

extension APIError {
    static let late = APIError(
        .deadlineExceeded, "the deadline passed before the answer was there; allow more time",
        field: "deadline_ms")

    static func unknownIndex(_ name: String) -> APIError {
        APIError(
            .notFound,
            "there is no index '\(name.prefix(80))' here; GET /v1/indexes lists those there are")
    }

    static func notServed(_ index: ServedIndex) -> APIError {
        APIError(
            .unavailable,
            "no version of index '\(index.name)' answers yet: "
                + (index.status.problem ?? "it is being opened"))
    }

    /// A failure of a backend: past the deadline, being late is what was wrong.
    init(_ error: TesseraError, deadline: SteadyClock.Instant) {
        let isLate = error.code == .unavailable || error.code == .cancelled
        if isLate, SteadyClock.system.now() >= deadline {
            self = .late
        } else {
            self.init(error)
        }
    }
}
