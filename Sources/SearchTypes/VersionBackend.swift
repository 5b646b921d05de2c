// What a coordinator asks of whoever searches a version for it: this process, or workers elsewhere.
package import TesseraBase
package import VectorCore

/// Queries that are answered together.
package struct SearchRequest: Sendable {
    /// `[queries][dimension]`; of unit length where the metric normalises.
    package let queries: Matrix
    package let options: SearchOptions
    /// After this nobody waits for the answer any more.
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

/// Where most of what an answer needed came from, slowest tier touched.
package enum AnswerSource: String, Sendable, Equatable, CaseIterable {
    case ram, disk, store, cache

    /// The slower of two tiers.
    package func slower(than other: AnswerSource) -> AnswerSource {
        let speeds: [AnswerSource] = [.cache, .ram, .disk, .store]
        let both = [self, other].compactMap { speeds.firstIndex(of: $0) }
        return speeds[both.max() ?? 0]
    }
}

/// The answer to one query, and how much of the version it speaks for.
package struct BackendAnswer: Sendable, Equatable {
    package var answer: SearchAnswer
    /// Share of the query's shards that answered, 0 to 1; below 1 only where the request allows it.
    package var share: Float
    package var source: AnswerSource

    package init(answer: SearchAnswer, share: Float = 1, source: AnswerSource = .ram) {
        self.answer = answer
        self.share = share
        self.source = source
    }
}

/// One version of one index, ready to be searched. It stays searchable until ``retire()``.
package protocol VersionBackend: Sendable {
    /// One answer a query, in their order.
    ///
    /// - Throws: `unavailable` where shards cannot be reached in time and the request does not allow a partial answer.
    nonisolated(nonsending) func search(
        _ request: SearchRequest
    ) async throws(TesseraError) -> [BackendAnswer]

    /// The vector stored for an id, `[dimension]`, as exactly as the refine tier keeps it; nil for an unknown id.
    ///
    /// - Throws: `unsupported` where the version keeps no vectors, `corrupted` and `unavailable` as ``search(_:)``.
    func vector(of id: String) async throws(TesseraError) -> [Float]?

    /// The vectors stored for results of a search of this version, in their order. Throws as ``vector(of:)``.
    func vectors(of hits: [Hit]) async throws(TesseraError) -> [[Float]]

    /// No query will come any more; those under way have ended.
    func retire() async
}

extension VersionBackend {
    /// Ids looked up at once.
    private static var lookups: Int { 8 }

    /// Looks each up by its id; who knows better does better.
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

/// Makes versions searchable. Called anew for every version that appears; what it returns is warm.
package protocol BackendProvider: Sendable {
    func open(index: String, version: Int) async throws(TesseraError) -> any VersionBackend

    /// What the tiers have done, one report a place where shards are searched; places that do not answer are missing.
    func tierReports() async -> [TierReport]
}

extension BackendProvider {
    package func tierReports() async -> [TierReport] { [] }
}
