// Which indexes a store holds.
package import ObjectStore
package import TesseraBase

/// The indexes of a store, ascending: folders with a usable name that hold versions or drafts.
package func listIndexes(in store: any ObjectStore) async throws(TesseraError) -> [IndexName] {
    var names: [IndexName] = []
    for folder in try await store.subfolders(of: "") where IndexName.isValid(folder) {
        for part in [CatalogLayout.versions, CatalogLayout.drafts] {
            guard try await !store.list(prefix: "\(folder)/\(part)").isEmpty else { continue }
            names.append(try IndexName(folder))
            break
        }
    }
    return names
}

extension Catalog {
    /// Throws `notFound`, with the indexes that exist, where this one has neither versions nor
    /// drafts.
    func requireIndex() async throws(TesseraError) {
        let names = try await listIndexes(in: base)
        guard !names.contains(index) else { return }
        let shown = names.prefix(20).map { "'\($0)'" }.joined(separator: ", ")
        let others =
            names.isEmpty
            ? "it has none; check the address, or run train"
            : "it has \(shown)" + (names.count > 20 ? " and \(names.count - 20) more" : "")
        throw TesseraError(.notFound, "there is no index '\(index)' in \(base.address): \(others)")
    }
}
