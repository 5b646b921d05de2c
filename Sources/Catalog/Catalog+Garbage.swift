// Garbage collection: removes objects that nothing names any more, by mark and sweep.
//
// The order is what makes it safe at any kill and beside running builds and publishes:
// 1. Candidates are listed before anything is marked, so an object that arrives later is not among
//    them.
// 2. Versions are replaced by tombstones and expired drafts are removed. From here on a version
//    whose objects will go is not visible: a kill after this leaves superfluous objects, never
//    missing ones.
// 3. Only then are drafts and claims read, and after them versions: a publish creates its version
//    before it removes its draft and claim, so in this order one of them is always seen.
// 4. Unmarked candidates older than the grace period go, each after another look, since a build may
//    have stored it again meanwhile. Between that look and the delete lies one round trip; a build
//    that falls into it is caught by its own publish, which looks for every object.
internal import Foundation
package import ObjectStore
package import TesseraBase

/// What a collection removed, or would remove.
package struct GarbageReport: Sendable {
    /// False for a dry run.
    package let applied: Bool
    package let retainedVersions: [Int]
    /// Versions that became tombstones.
    package let collectedVersions: [Int]
    package let expiredDrafts: [String]
    /// Number of removed claims of killed publishes.
    package let expiredClaims: Int
    package let objects: [ObjectInfo]
    package let temporaryFiles: [ObjectInfo]

    /// Bytes that are freed.
    package var bytes: UInt64 { (objects + temporaryFiles).reduce(0) { $0 &+ $1.size } }
}

extension Catalog {
    /// Collects garbage, or only reports what it would remove.
    ///
    /// - Parameters:
    ///   - keep: the newest versions that stay; the latest always does.
    ///   - grace: nothing younger goes; it must be longer than a build takes. Nil: the catalog's
    ///     own.
    ///   - apply: false changes nothing.
    package func collectGarbage(
        keep: Int = 10, grace: Duration? = nil, apply: Bool,
        progress: @escaping ProgressHandler = { _ in }
    ) async throws(TesseraError) -> GarbageReport {
        let grace = grace ?? options.gracePeriod
        try check(keep: keep, grace: grace)
        try await requireIndex()
        let candidates = try await candidates(grace: grace)
        let state = try await readState()
        let plan = GarbagePlan(state: state, keep: keep, grace: grace, isOlder: isOlder)
        // Before anything is retired: what must stay has to be readable.
        _ = try state.without(plan).marks()
        if apply { try await retire(plan) }
        let remaining = apply ? try await readState() : state.without(plan)
        let marks = try remaining.marks()
        let garbage = candidates.filter { !marks.contains($0.key) }
        let swept = apply ? try await sweep(garbage, grace: grace, progress: progress) : garbage
        return GarbageReport(
            applied: apply,
            retainedVersions: remaining.versions.filter { $0.manifest != nil }.map(\.number),
            collectedVersions: plan.versions,
            expiredDrafts: plan.drafts.compactMap {
                CatalogLayout.id(of: $0.key, in: CatalogLayout.drafts)
            },
            expiredClaims: plan.claims.count, objects: swept,
            temporaryFiles: try await store.staleTemporaryFiles(
                prefix: "", olderThan: clock.now().addingTimeInterval(-grace.seconds),
                apply: apply))
    }

    private func check(keep: Int, grace: Duration) throws(TesseraError) {
        guard keep >= 1 else {
            throw TesseraError(
                .invalidArgument, "--keep \(keep) is out of range; at least 1 version must stay")
        }
        guard grace >= .zero else {
            throw TesseraError(.invalidArgument, "the grace period \(grace) is negative")
        }
    }

    /// Drafts and claims first, versions last; see the top of the file.
    private func readState() async throws(TesseraError) -> CatalogState {
        let drafts = try await readDrafts(in: CatalogLayout.drafts)
        let claims = try await readDrafts(in: CatalogLayout.claims)
        return CatalogState(drafts: drafts, claims: claims, versions: try await readVersions())
    }

    /// Objects old enough to go, named as this catalog names objects; other files in the folders
    /// are not ours.
    private func candidates(grace: Duration) async throws(TesseraError) -> [ObjectInfo] {
        var found: [ObjectInfo] = []
        for kind in ObjectKind.allCases {
            found += try await store.list(prefix: kind.folder + "/").filter { info in
                let name = info.key.dropFirst(kind.folder.count + 1)
                guard name.hasSuffix(".tsr"), isOlder(info.modified, than: grace) else {
                    return false
                }
                return (try? ContentDigest(hex: String(name.dropLast(".tsr".count)))) != nil
            }
        }
        return found
    }

    private func retire(_ plan: GarbagePlan) async throws(TesseraError) {
        // Ascending, so that a kill leaves the newest versions, as a smaller collection would have.
        for number in plan.versions {
            let tombstone = Tombstone(version: number, collectedAt: clock.now())
            try await store.put(CatalogLayout.key(version: number), tombstone.encoded())
        }
        for info in plan.drafts + plan.claims {
            try await store.delete(info.key)
        }
    }

    private func sweep(
        _ garbage: [ObjectInfo], grace: Duration, progress: @escaping ProgressHandler
    ) async throws(TesseraError) -> [ObjectInfo] {
        let report = { @Sendable (completed: Int) in
            progress(
                ProgressUpdate(
                    phase: "removing garbage", completed: completed, total: garbage.count,
                    unit: "objects"))
        }
        return try await mapConcurrently(
            garbage, width: options.concurrency, completed: report
        ) { object throws(TesseraError) -> ObjectInfo? in
            guard let info = try await store.head(object.key),
                isOlder(info.modified, than: grace)
            else { return nil }
            try await store.delete(object.key)
            return info
        }.compactMap { $0 }
    }
}
