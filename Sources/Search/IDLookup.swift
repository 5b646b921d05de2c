// Resolves an external id to its shard and row: reads one bucket of the id table, then the id
// blocks of all rows with the same hash.
package import Catalog
import ObjectStore
import ShardFile
package import TesseraBase
package import VectorCore

/// Looks up ids in one version.
package struct IDLookup: Sendable {
    private let manifest: Manifest
    private let catalog: Catalog

    package init(manifest: Manifest, catalog: Catalog) {
        self.manifest = manifest
        self.catalog = catalog
    }

    /// Shard and row of `id`; nil if unknown. Throws `corrupted` if an object does not match its
    /// checksums.
    package func place(of id: String) async throws(TesseraError) -> NumericID? {
        let tables = manifest.index.idTables
        guard !tables.isEmpty else { return nil }
        let hash = StableHash.hash(Array(id.utf8))
        let reference = tables[IDTable.number(of: hash, tables: tables.count)]
        let key = ObjectKind.idTable.key(reference.digest)
        let tail = try await catalog.store.storedPart(key, reference.open.range)
        let table = try IDTable(tail: tail, name: key)
        let bucket = try await catalog.store.storedPart(key, table.range(of: hash))
        for place in try table.places(of: hash, in: bucket)
        where try await storedID(at: place) == id {
            return place
        }
        return nil
    }

    private func storedID(at place: NumericID) async throws(TesseraError) -> String? {
        guard manifest.index.shards.indices.contains(place.shard) else {
            throw TesseraError(
                .corrupted, "an id table names shard \(place.shard), which does not exist")
        }
        let objects = try VersionObjects(manifest.index, from: catalog)
        let key = objects.key(place.shard)
        let head = try await objects.head(place.shard)
        guard place.row < head.vectorCount else {
            throw TesseraError(
                .corrupted, "an id table names row \(place.row) of \(key), which does not exist")
        }
        let idPlace = head.idPlace(row: place.row)
        let block = try await catalog.store.storedPart(key, idPlace.range)
        return try head.id(block, at: idPlace)
    }
}
