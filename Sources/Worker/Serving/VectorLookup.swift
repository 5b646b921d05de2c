// From an external id to its vector, as the refine tier keeps it.
import Catalog
import ObjectStore
import ShardFile
import TesseraBase
import VectorCore
import VectorIndex

/// Looks vectors up in one version.
struct VectorLookup: Sendable {
    private let manifest: Manifest
    private let catalog: Catalog

    init(manifest: Manifest, catalog: Catalog) {
        self.manifest = manifest
        self.catalog = catalog
    }

    /// `[dimension]`, or nil for an unknown id.
    ///
    /// - Throws: `unsupported` where the version has no refine tier, `corrupted` where an object does not match its
    ///   checksums.
    func vector(of id: String) async throws(TesseraError) -> [Float]? {
        guard manifest.index.refine != RefineEncoding.none.rawValue else {
            throw TesseraError(
                .unsupported,
                "version \(manifest.version) of '\(manifest.index.name)' keeps no vectors, only their codes; "
                    + "train it with a refine tier")
        }
        guard let place = try await IdLookup(manifest: manifest, catalog: catalog).place(of: id)
        else { return nil }
        let reference = manifest.index.shards[place.shard]
        let key = ObjectKind.shard.key(reference.digest)
        let store = catalog.store
        return try await store.rereadingOnce(key) { () async throws(TesseraError) in
            let head = try ShardHead(
                tail: try await store.storedPart(key, reference.open.range), name: key)
            guard let range = head.refineRange(row: place.row) else { return nil }
            let row = try head.refineRow(
                try await store.storedPart(key, range)[...], row: place.row)
            return head.refine.decode(row)
        }
    }
}
