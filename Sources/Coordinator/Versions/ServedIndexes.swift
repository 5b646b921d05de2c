// The indexes under service, by name.
package import Catalog
package import ObjectStore
import Synchronization
package import TesseraBase

/// All indexes that are served.
package final class ServedIndexes: Sendable {
    private let store: any ObjectStore
    private let catalogOptions: CatalogOptions
    private let indexes = Mutex<[String: ServedIndex]>([:])

    /// - Parameter store: without a cache, so that versions and drafts are what the store holds.
    package init(store: any ObjectStore, catalogOptions: CatalogOptions = CatalogOptions()) {
        self.store = store
        self.catalogOptions = catalogOptions
    }

    package subscript(name: String) -> ServedIndex? {
        indexes.withLock { $0[name] }
    }

    /// By name.
    package var all: [ServedIndex] {
        indexes.withLock { indexes in indexes.values.sorted { $0.name < $1.name } }
    }

    /// Takes an index into service; nil where it is already.
    package func add(_ name: IndexName) throws(TesseraError) -> ServedIndex? {
        let catalog = try Catalog(store: store, index: name, options: catalogOptions)
        return indexes.withLock { indexes in
            guard indexes[name.text] == nil else { return nil }
            let index = ServedIndex(name, catalog: catalog)
            indexes[name.text] = index
            return index
        }
    }

    /// The indexes that the store holds now.
    func found() async throws(TesseraError) -> [IndexName] {
        try await listIndexes(in: store)
    }
}
