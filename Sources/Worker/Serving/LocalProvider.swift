// Versions of a store's indexes, opened for searching in this process.
import Catalog
package import ObjectStore
package import SearchProtocol
package import TesseraBase

/// Opens versions from a store.
package struct LocalProvider: BackendProvider {
    private let store: any ObjectStore
    private let pool: WorkPool

    /// - Parameters:
    ///   - store: holds the indexes; reads may be served from a cache.
    ///   - pool: computes where a request is too large for the calling thread.
    package init(store: any ObjectStore, pool: WorkPool) {
        self.store = store
        self.pool = pool
    }

    package func open(index: String, version: Int) async throws(TesseraError)
        -> any VersionBackend
    {
        let catalog = try Catalog(store: store, index: try IndexName(index))
        let manifest = try await catalog.manifest(version)
        let searcher = try await VersionLoader.searcher(
            manifest, from: catalog, pool: pool, cold: nil, residency: .all, progress: { _ in })
        return LocalBackend(manifest, from: catalog, searcher: searcher, pool: pool)
    }
}
