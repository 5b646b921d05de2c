// Decides what garbage collection keeps and removes: pure functions of what was read.
internal import Foundation
internal import ObjectStore
internal import TesseraBase

/// Everything that can keep an object alive.
struct CatalogState: Sendable {
    var drafts: [StoredDraft]
    var claims: [StoredDraft]
    var versions: [VersionEntry]

    /// The keys of all objects that something names. Throws if anything cannot be read, since
    /// nothing may be removed then.
    func marks() throws(TesseraError) -> Set<ObjectKey> {
        var keys: Set<ObjectKey> = []
        for stored in drafts + claims {
            keys.formUnion(try stored.content.get().index.objects.map(\.key))
        }
        for entry in versions {
            switch entry.state {
            case .published(let manifest): keys.formUnion(manifest.index.objects.map(\.key))
            case .collected: continue
            case .unreadable(let error):
                throw TesseraError(
                    error.code, "cannot tell garbage from content: \(error.message)",
                    cause: error)
            }
        }
        return keys
    }

    /// The state as it will be after `plan`.
    func without(_ plan: GarbagePlan) -> CatalogState {
        let retired = Set(plan.versions)
        let removed = Set((plan.drafts + plan.claims).map(\.key))
        return CatalogState(
            drafts: drafts.filter { !removed.contains($0.info.key) },
            claims: claims.filter { !removed.contains($0.info.key) },
            versions: versions.filter { !retired.contains($0.number) })
    }
}

/// Versions, drafts and claims that no longer keep objects alive.
struct GarbagePlan: Sendable {
    var versions: [Int]
    var drafts: [ObjectInfo]
    var claims: [ObjectInfo]

    /// - Parameters:
    ///   - keep: the newest versions that stay, at least 1.
    ///   - isOlder: whether a time is longer ago than an age.
    init(
        state: CatalogState, keep: Int, grace: Duration,
        isOlder: (Date, Duration) -> Bool
    ) {
        drafts = state.drafts.map(\.info).filter { isOlder($0.modified, grace) }
        claims = state.claims.map(\.info).filter { isOlder($0.modified, Claim.lifetime) }
        let living = state.versions.filter { !$0.isCollected }
        // A version's age counts from when the next one replaced it: until then readers were on it.
        versions = zip(living, living.dropFirst()).dropLast(keep - 1)
            .filter { isOlder($0.1.modified, grace) && isOlder($0.0.modified, grace) }
            .map { $0.0.number }
    }
}
