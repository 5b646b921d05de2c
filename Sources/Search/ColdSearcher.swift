// Searching a version that need not be in memory: a root and a leaf over the shards of one source.
// Three dependent round trips a query, whatever the size of the index: what opens the shards that
// the router offers, then the chosen lists, then the rows and ids of the candidates, which lie
// together.
package import Catalog
import ObjectStore
package import SearchTypes
package import TesseraBase
package import VectorCore
package import VectorIndex

/// Searches one version from its store. The answers are those of ``IndexSearcher``.
package struct ColdSearcher: Sendable {
    private let chooser: ListChooser
    private let leaf: Leaf
    private let index: IndexDescription
    private let version: Int

    /// Reads the router.
    ///
    /// - Parameter memoryBudget: bytes read ahead of their use, and as many again for opened
    ///   shards.
    package init(
        _ manifest: Manifest, from catalog: Catalog, pool: WorkPool,
        memoryBudget: Int = 256 << 20
    ) async throws(TesseraError) {
        let objects = try VersionObjects(manifest.index, from: catalog)
        try await self.init(
            manifest, ShardSource(objects, pool: pool, budget: memoryBudget), pool: pool)
    }

    init(_ manifest: Manifest, _ source: ShardSource, pool: WorkPool) async throws(TesseraError) {
        index = manifest.index
        version = manifest.version
        chooser = try await ListChooser(source, pool: pool)
        leaf = Leaf(source, pool: pool)
    }

    package var metric: Metric { leaf.source.objects.metric }
    /// Bytes of the router and of the shards open now.
    package var modelBytes: Int { chooser.bytes }

    /// The nearest vectors to `query` (`[dimension]`; of unit length for cosine).
    package func search(
        _ query: [Float], options: SearchOptions, filter: RowFilter? = nil
    ) async throws(TesseraError) -> SearchAnswer {
        try await answer(query, options, filter: filter).answer
    }

    /// The same, and the slowest tier that the leaf took anything from.
    func answer(
        _ query: [Float], _ options: SearchOptions, filter: RowFilter? = nil
    ) async throws(TesseraError) -> PartAnswer {
        var watch = Stopwatch()
        let queries = Matrix(rows: 1, columns: query.count, elements: query)
        let ((choice, opening), trace) = try await ReadTrace.record {
            () async throws(TesseraError) in
            var opening = Receipt()
            return (try await chooser.choose(queries, options, &opening)[0], opening)
        }
        let chosen = watch.lap()
        let request = PartsRequest(
            index: index.name, version: version, k: options.k, refineDepth: options.refineDepth,
            timeout: nil, queries: queries,
            transformed: choice.transformed.map {
                Matrix(rows: 1, columns: $0.count, elements: $0)
            }, parts: [SearchPart(query: 0, shards: choice.shards, lists: choice.lists)])
        var found = try await leaf.search(
            request, filter: filter, deadline: nil, opened: choice.opened)[0]
        var receipt = found.answer.receipt
        receipt.route = choice.route
        receipt.chooseLists = chosen - choice.route
        receipt.shardsOffered = choice.offered
        receipt.reads += opening.reads
        receipt.bytesRead += opening.bytesRead
        receipt.roundTrips += opening.roundTrips
        found.answer = SearchAnswer(hits: found.answer.hits, receipt: receipt)
        found.source = found.source.slower(than: leaf.source.tier(opening, trace))
        return found
    }

    /// See ``ListChooser/nearestList(to:probeShards:)``.
    package func nearestList(
        to query: [Float], probeShards: Int
    ) async throws(TesseraError) -> (distance: Float, vectors: Int) {
        try await chooser.nearestList(to: query, probeShards: probeShards)
    }
}

extension ColdSearcher: VersionSearcher {
    package var engine: SearchEngine { .tessera }
    package var codeBytes: Int { 0 }

    /// A query waits for the store far more than it computes: `batch` of them are under way for
    /// each thread.
    package func search(
        _ queries: Matrix, options: SearchOptions, filter: RowFilter?, pool: WorkPool, batch: Int
    ) async throws(TesseraError) -> BatchAnswers {
        let run = Stopwatch()
        let answered = try await mapConcurrently(
            Array(0..<queries.rows), width: pool.width * batch
        ) { query async throws(TesseraError) in
            let watch = Stopwatch()
            let answer = try await search(
                Array(queries.row(query)), options: options, filter: filter)
            return (answer: answer, latency: watch.elapsed)
        }
        return BatchAnswers(
            answers: answered.map(\.answer), latencies: answered.map(\.latency),
            elapsed: run.elapsed)
    }
}
