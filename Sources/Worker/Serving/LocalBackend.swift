// A version searched in this process.
package import Catalog
package import SearchProtocol
package import TesseraBase
import VectorCore

/// Answers from one version, opened by a ``LocalProvider``.
package final class LocalBackend: VersionBackend {
    package let manifest: Manifest
    private let catalog: Catalog
    private let pool: WorkPool
    private let searcher: any VersionSearcher
    /// The short way, where all codes are in memory.
    private let resident: ResidentQueries?

    init(
        _ manifest: Manifest, from catalog: Catalog, searcher: any VersionSearcher, pool: WorkPool
    ) {
        self.manifest = manifest
        self.catalog = catalog
        self.pool = pool
        self.searcher = searcher
        resident = (searcher as? IndexSearcher).map { ResidentQueries($0, pool: pool) }
    }

    package func search(_ request: SearchRequest) async throws(TesseraError) -> [BackendAnswer] {
        try request.check(dimension: manifest.index.dimension)
        if let resident { return try await resident.answer(request) }
        guard try request.hasTime() else {
            return (0..<request.queries.rows).map { _ in .none(request) }
        }
        let answers = try await searcher.search(
            request.queries, options: request.options, pool: pool, batch: 4)
        return answers.answers.map { BackendAnswer(answer: $0, source: .store) }
    }

    package func vector(of id: String) async throws(TesseraError) -> [Float]? {
        try await VectorLookup(manifest: manifest, catalog: catalog).vector(of: id)
    }

    package func retire() async {}
}
