// Reads published versions.
internal import Foundation
internal import ObjectStore
package import TesseraBase

extension Catalog {
    /// All version numbers ever used, ascending, with what is there now. Throws `notFound` for an
    /// unknown index.
    package func versions() async throws(TesseraError) -> [VersionEntry] {
        let entries = try await readVersions()
        if entries.isEmpty { try await requireIndex() }
        return entries
    }

    /// The number of the newest version, by one list call and no read; nil where none is published.
    /// Cheap enough to poll for newer versions.
    package func latestVersionNumber() async throws(TesseraError) -> Int? {
        try await versionObjects().last?.number
    }

    /// The newest version. One that cannot be read is an error: an older one is never returned
    /// instead.
    package func latest() async throws(TesseraError) -> Manifest {
        for (number, _) in try await versionObjects().reversed() {
            switch try await versionState(number) {
            case .published(let manifest): return manifest
            case .unreadable(let error): throw error
            case .collected, nil: continue
            }
        }
        try await requireIndex()
        throw TesseraError(
            .notFound,
            "index '\(index)' has no published version in \(base.address); run publish first")
    }

    /// One version. Throws `notFound` with what exists; a collected version says so.
    package func manifest(_ version: Int) async throws(TesseraError) -> Manifest {
        switch try await versionState(version) {
        case .published(let manifest): return manifest
        case .unreadable(let error): throw error
        case .collected(let tombstone):
            throw TesseraError(
                .notFound,
                "version \(version) of index '\(index)' was collected at "
                    + "\(tombstone.collectedAt.formatted(.iso8601)); \(try await whatExists())")
        case nil:
            try await requireIndex()
            throw TesseraError(
                .notFound, "there is no version \(version): \(try await whatExists())")
        }
    }

    /// Keys and ages of versions, ascending by number, without reading them.
    func versionObjects() async throws(TesseraError) -> [(number: Int, info: ObjectInfo)] {
        try await store.list(prefix: CatalogLayout.versions).compactMap { info in
            CatalogLayout.version(of: info.key).map { ($0, info) }
        }.sorted { $0.number < $1.number }
    }

    func readVersions() async throws(TesseraError) -> [VersionEntry] {
        let objects = try await versionObjects()
        return try await mapConcurrently(objects, width: options.concurrency) {
            object throws(TesseraError) -> VersionEntry? in
            guard let state = try await versionState(object.number) else { return nil }
            return VersionEntry(
                number: object.number, state: state, modified: object.info.modified,
                bytes: object.info.size)
        }.compactMap { $0 }
    }

    /// State of a version's key, by one read; nil if nothing is there. For polling for the next
    /// version.
    package func versionState(_ number: Int) async throws(TesseraError) -> VersionEntry.State? {
        guard (1...CatalogLayout.maximumVersion).contains(number) else { return nil }
        let key = CatalogLayout.key(version: number)
        guard let bytes = try await readIfPresent(key) else { return nil }
        return VersionEntry.State(bytes: bytes, number: number, object: label(key))
    }

    func readIfPresent(_ key: ObjectKey) async throws(TesseraError) -> [UInt8]? {
        do throws(TesseraError) {
            return try await store.get(key)
        } catch {
            guard error.code == .notFound else { throw error }
            return nil
        }
    }

    /// The published versions for a message: "index 'photos' has versions 1 to 4".
    func whatExists() async throws(TesseraError) -> String {
        let numbers = try await readVersions().filter { $0.manifest != nil }.map(\.number)
        guard let first = numbers.first, let last = numbers.last else {
            return "index '\(index)' has no published version"
        }
        if first == last { return "index '\(index)' has version \(first)" }
        guard numbers.count == last - first + 1 else {
            return
                "index '\(index)' has versions \(numbers.map(String.init).joined(separator: ", "))"
        }
        return "index '\(index)' has versions \(first) to \(last)"
    }
}
