// The service behind every surface: admits, plans and answers searches, and administers versions.
// A surface reads a request, calls the service and writes the answer; HTTP, JSON and gRPC stay
// outside of this folder.
//
// Invariant: the version that was current when a request took hold of it answers the request,
// whatever is published meanwhile.
import Catalog
import SearchTypes
package import TesseraBase
import VectorCore

/// Answers searches of every served index. Copies share their state.
package struct SearchService: Sendable {
    /// Results of one request whose vectors are fetched.
    private static let mostVectors = 1000

    /// The indexes under service.
    package let indexes: ServedIndexes
    package let limits: ServiceLimits
    /// The clock that deadlines are set by.
    package let clock: SteadyClock
    let statistics: ServiceStatistics
    let gate: AdmissionGate
    let cache: ResponseCache?
    let queryLog: QueryLog?
    let measure: Measurement
    let tierReports: @Sendable () async -> [TierReport]
    /// One publish or rollback at a time: each reads back a whole version.
    let publishing: AdmissionGate

    init(
        _ indexes: ServedIndexes, limits: ServiceLimits, statistics: ServiceStatistics,
        cacheBytes: Int?, queryLog: QueryLog?, measure: @escaping Measurement,
        tierReports: @escaping @Sendable () async -> [TierReport], clock: SteadyClock = .system
    ) {
        self.indexes = indexes
        self.limits = limits
        self.clock = clock
        self.statistics = statistics
        self.queryLog = queryLog
        self.measure = measure
        self.tierReports = tierReports
        cache = cacheBytes.map(ResponseCache.init(budget:))
        gate = AdmissionGate(places: limits.running, seats: limits.waiting, clock: clock)
        publishing = AdmissionGate(places: 1, seats: 0, clock: clock)
    }

    /// Takes hold of the version of an index that answers now.
    ///
    /// - Throws: `notFound` for an unknown index, `unavailable` before a version answers.
    package func hold(_ name: String) throws(ServiceError) -> HeldVersion {
        guard let index = indexes[name] else { throw .unknownIndex(name) }
        guard let version = index.acquire() else { throw .notServed(index) }
        return HeldVersion(version, of: name)
    }

    /// Answers a request from the version held for it. A caller that has written the answer calls
    /// ``finish(_:)``.
    ///
    /// - Parameter start: when the request arrived; its deadline counts from there.
    nonisolated(nonsending) package func search(
        _ query: SearchQuery, in held: borrowing HeldVersion, since start: SteadyClock.Instant
    ) async throws(ServiceError) -> SearchResults {
        let version = held.version
        let plan = try PlannedQuery(query, version, limits, index: held.index)
        let planned = clock.now()
        let deadline = start + (query.deadline ?? limits.deadline)
        guard planned < deadline else { throw .late }
        if !gate.tryEnter() { try await gate.enter(deadline: deadline) }
        defer { gate.leave() }
        let admitted = clock.now()
        guard admitted < deadline else { throw .late }
        let (answers, isCached) = try await answers(plan, version, deadline)
        let vectors =
            query.extras.contains(.vectors) ? try await vectors(answers, version, deadline) : nil
        if case .vectors(let floats) = query.target {
            queryLog?.offer(floats, dimension: held.dimension, to: held.index)
        }
        return SearchResults(
            version: version.number, metric: version.metric, answers: answers, vectors: vectors,
            isCached: isCached,
            times: StageTimes(
                start: start, planned: planned, admitted: admitted, searched: clock.now()))
    }

    /// Counts a search whose answer has just been written, and returns how long it took.
    package func finish(_ results: SearchResults) -> Duration {
        let written = clock.now()
        statistics.count(
            results.times, written: written, results.answers, isCached: results.isCached)
        return written - results.times.start
    }

    nonisolated(nonsending) private func answers(
        _ plan: PlannedQuery, _ version: ServedVersion, _ deadline: SteadyClock.Instant
    ) async throws(ServiceError) -> (answers: [BackendAnswer], isCached: Bool) {
        let key = cache == nil ? nil : plan.cacheKey(version)
        if let cache, let key, let answers = cache.answers(key) { return (answers, true) }
        do throws(TesseraError) {
            let answers: [BackendAnswer]
            if case .id(let id) = plan.query.target {
                answers = try await neighbours(of: id, plan, version, deadline)
            } else {
                answers = try await version.backend.search(
                    SearchRequest(
                        queries: plan.matrix, options: plan.options, deadline: deadline,
                        allowPartial: plan.query.allowsPartial))
            }
            guard answers.count == max(1, plan.matrix.rows) else {
                throw TesseraError(
                    .corrupted, "\(answers.count) answers to \(plan.matrix.rows) queries")
            }
            if let cache, let key { cache.keep(answers, for: key) }
            return (answers, false)
        } catch {
            throw failure(error, deadline)
        }
    }

    /// The neighbours of a stored vector, without itself.
    private func neighbours(
        of id: String, _ plan: PlannedQuery, _ version: ServedVersion,
        _ deadline: SteadyClock.Instant
    ) async throws(TesseraError) -> [BackendAnswer] {
        guard let vector = try await version.backend.vector(of: id) else {
            throw TesseraError(
                .notFound,
                "there is no id '\(id.prefix(100))' in version \(version.number) of index "
                    + "'\(plan.index)'")
        }
        var options = plan.options
        options.k = min(options.k + 1, version.manifest.index.vectors)
        options.refineDepth = max(options.refineDepth, options.k)
        let answers = try await version.backend.search(
            SearchRequest(
                queries: Matrix(rows: 1, columns: vector.count, elements: vector),
                options: options, deadline: deadline, allowPartial: plan.query.allowsPartial))
        return answers.map { answer in
            var others = answer
            others.answer = SearchAnswer(
                hits: Array(answer.answer.hits.filter { $0.id != id }.prefix(plan.options.k)),
                receipt: answer.answer.receipt)
            return others
        }
    }

    /// The stored vectors of all results.
    private func vectors(
        _ answers: [BackendAnswer], _ version: ServedVersion, _ deadline: SteadyClock.Instant
    ) async throws(ServiceError) -> [[[Float]]] {
        let hits = answers.flatMap(\.answer.hits)
        guard hits.count <= Self.mostVectors else {
            throw ServiceError(
                .invalidArgument,
                "vectors of \(hits.count) results are too many for one request; ask for at most "
                    + "\(Self.mostVectors)",
                parameter: .extras, limit: Self.mostVectors)
        }
        do throws(TesseraError) {
            let found = try await version.backend.vectors(of: hits)
            var start = 0
            return answers.map { answer in
                defer { start += answer.answer.hits.count }
                return Array(found[start..<start + answer.answer.hits.count])
            }
        } catch {
            throw failure(error, deadline)
        }
    }

    /// Translates a backend's failure. After the deadline, lateness is the cause that the caller
    /// can mend.
    private func failure(
        _ error: TesseraError, _ deadline: SteadyClock.Instant
    ) -> ServiceError {
        let isLate = error.code == .unavailable || error.code == .cancelled
        return isLate && clock.now() >= deadline ? .late : ServiceError(error)
    }
}
