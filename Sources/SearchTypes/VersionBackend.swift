// The backend of a coordinator, which searches a version in this process or on workers.
package import TesseraBase
package import VectorCore

/// Queries that are searched together.
package struct SearchRequest: Sendable {
    /// Queries `[queries][dimension]`, of unit length if the metric normalises.
    package let queries: Matrix
    /// The extent of the search.
    package let options: SearchOptions
    /// When the caller stops waiting for the answer; nil for no limit.
    package let deadline: SteadyClock.Instant?
    /// Whether an answer without some of the shards is better than none.
    package let allowPartial: Bool

    package init(
        queries: Matrix, options: SearchOptions, deadline: SteadyClock.Instant? = nil,
        allowPartial: Bool = false
    ) {
        self.queries = queries
        self.options = options
        self.deadline = deadline
        self.allowPartial = allowPartial
    }
}

/// The slowest tier that an answer needed.
package enum AnswerSource: String, Sendable, Equatable, CaseIterable {
    case ram, disk, store, cache

    /// The slower of two tiers.
    package func slower(than other: AnswerSource) -> AnswerSource {
        let speeds: [AnswerSource] = [.cache, .ram, .disk, .store]
        let both = [self, other].compactMap { speeds.firstIndex(of: $0) }
        return speeds[both.max() ?? 0]
    }
}

/// The answer to one query, and the share of the shards that it covers.
package struct BackendAnswer: Sendable, Equatable {
    /// Hits and receipt.
    package var answer: SearchAnswer
    /// Share of the query's shards that answered, 0 to 1; below 1 only if the request allows it.
    package var share: Float
    /// The slowest tier needed.
    package var source: AnswerSource

    package init(answer: SearchAnswer, share: Float = 1, source: AnswerSource = .ram) {
        self.answer = answer
        self.share = share
        self.source = source
    }
}

/// One version of one index, ready to be searched. It stays searchable until ``retire()``.
package protocol VersionBackend: Sendable {
    /// Answers queries, one answer for each in their order.
    ///
    /// - Throws: `unavailable` if shards cannot be reached in time and the request does not allow a
    ///   partial answer.
    nonisolated(nonsending) func search(
        _ request: SearchRequest
    ) async throws(TesseraError) -> [BackendAnswer]

    /// The vector stored for an id, `[dimension]`, as exactly as the refine tier keeps it; nil for
    /// an unknown id.
    ///
    /// - Throws: `unsupported` if the version keeps no vectors, `corrupted` and `unavailable` as
    ///   ``search(_:)``.
    func vector(of id: String) async throws(TesseraError) -> [Float]?

    /// The vectors stored for hits of a search of this version, in their order. Throws as
    /// ``vector(of:)``.
    func vectors(of hits: [Hit]) async throws(TesseraError) -> [[Float]]

    /// Lets go of the version. Called once, after its last query has ended.
    func retire() async
}

extension VersionBackend {
    /// Number of ids looked up at once.
    private static var lookups: Int { 8 }

    /// Default: one lookup per id. Override where rows can be read directly.
    package func vectors(of hits: [Hit]) async throws(TesseraError) -> [[Float]] {
        try await mapConcurrently(hits, width: Self.lookups) { hit async throws(TesseraError) in
            guard let vector = try await vector(of: hit.id) else {
                throw TesseraError(
                    .corrupted, "'\(hit.id.prefix(100))' was found, but it cannot be looked up")
            }
            return vector
        }
    }
}

/// Opens versions for searching.
package protocol BackendProvider: Sendable {
    /// Opens a version. The backend that is returned is warm.
    func open(index: String, version: Int) async throws(TesseraError) -> any VersionBackend

    /// Reads the counts of the tiers, one report for each process that searches shards. A process
    /// that does not answer is missing.
    func tierReports() async -> [TierReport]
}

extension BackendProvider {
    /// Default: no reports.
    package func tierReports() async -> [TierReport] { [] }
}
