// Drafts: what `train` leaves for `publish`.
internal import Foundation
internal import ObjectStore
package import TesseraBase

extension Catalog {
    /// Makes a draft of content whose objects are all stored. Its id begins with the time, so ids
    /// sort by age.
    ///
    /// - Parameter tuneOf: the version whose content it is, measured anew.
    package func saveDraft(
        _ description: IndexDescription, tuneOf: Int? = nil
    ) async throws(TesseraError) -> Draft {
        guard description.name == index.text else {
            throw TesseraError(
                .invalidArgument,
                "a draft of index '\(description.name)' cannot be kept in index '\(index)'")
        }
        let now = clock.now()
        let time = now.formatted(
            Date.ISO8601FormatStyle(
                dateSeparator: .omitted, timeSeparator: .omitted, timeZoneSeparator: .omitted))
        let draft = Draft(
            id: "\(time)-\(options.makeNonce().prefix(8))", createdAt: now, tuneOf: tuneOf,
            index: description)
        try await store.put(CatalogLayout.key(draft: draft.id), draft.encoded())
        return draft
    }

    /// All drafts, oldest first. One that cannot be read is an error that names it.
    package func drafts() async throws(TesseraError) -> [Draft] {
        var drafts: [Draft] = []
        for stored in try await readDrafts(in: CatalogLayout.drafts) {
            drafts.append(try stored.content.get())
        }
        return drafts.sorted { ($0.createdAt, $0.id) < ($1.createdAt, $1.id) }
    }

    /// One draft. Throws `notFound` with the drafts that exist.
    package func draft(_ id: String) async throws(TesseraError) -> Draft {
        if let draft = try await draftIfPresent(id) { return draft }
        throw try await unknownDraft(id)
    }

    /// The draft that publish would take: the one given, or the newest. Throws `notFound` where
    /// there is none.
    package func draftToPublish(_ id: String?) async throws(TesseraError) -> Draft {
        if let id { return try await draft(id) }
        if let newest = try await drafts().last { return newest }
        try await requireIndex()
        throw TesseraError(
            .notFound, "index '\(index)' has no draft to publish; run train first")
    }

    /// Replaces a draft by a new one with the content `index`.
    package func replaceDraft(
        _ draft: Draft, with index: IndexDescription
    ) async throws(TesseraError) -> Draft {
        let new = try await saveDraft(index, tuneOf: draft.tuneOf)
        try await store.delete(CatalogLayout.key(draft: draft.id))
        return new
    }

    /// Removes a draft. Its objects are removed by the next garbage collection after the grace
    /// period.
    package func discardDraft(_ id: String) async throws(TesseraError) {
        _ = try await draft(id)
        try await store.delete(CatalogLayout.key(draft: id))
    }

    func draftIfPresent(_ id: String) async throws(TesseraError) -> Draft? {
        guard CatalogLayout.isValid(id: id) else {
            throw TesseraError(
                .invalidArgument,
                "'\(id.prefix(80))' is not a draft id; one looks like 20260131T120000Z-1a2b3c4d")
        }
        let key = CatalogLayout.key(draft: id)
        guard let bytes = try await readIfPresent(key) else { return nil }
        return try Draft(decoding: bytes, object: label(key))
    }

    func unknownDraft(_ id: String) async throws(TesseraError) -> TesseraError {
        try await requireIndex()
        let ids = try await drafts().map(\.id)
        let others =
            ids.isEmpty
            ? "it has none; run train again"
            : "it has \(ids.suffix(10).joined(separator: ", "))"
        return TesseraError(.notFound, "index '\(index)' has no draft '\(id)': \(others)")
    }

    /// Drafts, or claims, as they lie in the store; those that vanish meanwhile are left out.
    func readDrafts(in folder: String) async throws(TesseraError) -> [StoredDraft] {
        let objects = try await store.list(prefix: folder).filter {
            CatalogLayout.id(of: $0.key, in: folder) != nil
        }
        return try await mapConcurrently(objects, width: options.concurrency) {
            info throws(TesseraError) -> StoredDraft? in
            guard let bytes = try await readIfPresent(info.key) else { return nil }
            let content = Result { () throws(TesseraError) in
                try Draft(decoding: bytes, object: label(info.key))
            }
            return StoredDraft(info: info, content: content)
        }.compactMap { $0 }
    }
}

/// A draft or claim and what the store says of it.
struct StoredDraft: Sendable {
    let info: ObjectInfo
    let content: Result<Draft, TesseraError>
}
