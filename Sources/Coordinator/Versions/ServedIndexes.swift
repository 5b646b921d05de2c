// All served indexes, by name.
package import Catalog
package import ObjectStore
import Synchronization
package import TesseraBase

/// The indexes that this process serves.
package final class ServedIndexes: Sendable {
    private let store: any ObjectStore
    private let catalogOptions: CatalogOptions
    private let clock: SteadyClock
    private let indexes = Mutex<[String: ServedIndex]>([:])

    /// - Parameter store: not cached, so that versions and drafts are current.
    package init(
        store: any ObjectStore, catalogOptions: CatalogOptions = CatalogOptions(),
        clock: SteadyClock = .system
    ) {
        self.store = store
        self.catalogOptions = catalogOptions
        self.clock = clock
    }

    /// The served index of that name; nil for an unknown one.
    package subscript(name: String) -> ServedIndex? {
        indexes.withLock { $0[name] }
    }

    /// All of them, sorted by name.
    package var all: [ServedIndex] {
        indexes.withLock { indexes in indexes.values.sorted { $0.name < $1.name } }
    }

    /// Begins to serve an index; nil if it is served already.
    package func add(_ name: IndexName) throws(TesseraError) -> ServedIndex? {
        let catalog = try Catalog(store: store, index: name, options: catalogOptions)
        return indexes.withLock { indexes in
            guard indexes[name.text] == nil else { return nil }
            let index = ServedIndex(name, catalog: catalog, clock: clock)
            indexes[name.text] = index
            return index
        }
    }

    /// Lists the indexes that the store holds now.
    func found() async throws(TesseraError) -> [IndexName] {
        try await listIndexes(in: store)
    }
}
