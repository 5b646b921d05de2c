// The check before a version becomes visible: every object it names is in the store and is what its
// name says.
//
// Invariant: an object is trusted without reading it only if an earlier published version proved
// it. Publishing that version read the object back, so its digest stands in that version's
// manifest; the store must still list it with the same size, and must have had it since before that
// manifest. An object stored anew since then is read again.
internal import ObjectStore
internal import TesseraBase

/// Which objects a publish or rollback reads back before it makes a version visible.
package enum ReadBack: Sendable {
    /// Objects that no earlier version has proved.
    case brought
    /// All objects, which also finds damage to those that earlier versions proved.
    case all
}

extension Catalog {
    /// Throws unless every object is there and whole: `corrupted` with the mend, or the store's own
    /// error.
    ///
    /// - Parameter parent: the version whose objects count as proved; nil where there is none.
    func requireComplete(
        _ description: IndexDescription, parent: VersionEntry?, readBack: ReadBack,
        progress: @escaping ProgressHandler
    ) async throws(TesseraError) {
        let unproved =
            switch readBack {
            case .all: description.objects
            case .brought: try await objects(of: description, notProvedBy: parent)
            }
        let problems = try await problems(of: unproved, progress: progress)
        if let cause = problems.lazy.compactMap(\.cause).first { throw cause }
        guard let first = problems.first else { return }
        let more = problems.count > 1 ? " (and \(problems.count - 1) more objects)" : ""
        // An object of the right size is taken for the right one when it is stored again; see
        // `putObject`.
        let isHidden = problems.contains { $0.kind == .wrongDigest }
        let mend = isHidden ? "delete what has changed, then run train again" : "run train again"
        throw TesseraError(.corrupted, "\(first.message)\(more); nothing was published: \(mend)")
    }

    /// The objects that have to be read: those the parent does not hold, and those the store does
    /// not list as the parent left them. The caller's claim is in the store, so what is listed here
    /// stays.
    private func objects(
        of description: IndexDescription, notProvedBy parent: VersionEntry?
    ) async throws(TesseraError) -> [ExpectedObject] {
        let objects = description.objects
        guard let parent, let manifest = parent.manifest else { return objects }
        let proved = Set(manifest.index.objects)
        var listed: [ObjectKey: ObjectInfo] = [:]
        for folder in Set(objects.filter(proved.contains).map(\.folder)).sorted() {
            for info in try await store.list(prefix: folder) { listed[info.key] = info }
        }
        return objects.filter { object in
            guard proved.contains(object), let info = listed[object.key] else { return true }
            return info.size != object.bytes || info.modified >= parent.modified
        }
    }
}
