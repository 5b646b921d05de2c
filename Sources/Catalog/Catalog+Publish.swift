// Publishes a draft, or an older version, as the newest version.
//
// The number is taken before the objects are read back: a version that appears meanwhile makes the
// create lose, and its publisher is told instead of silently going on top of it.
internal import ObjectStore
package import TesseraBase

/// Outcome of a publish.
package struct Publication: Sendable {
    package let manifest: Manifest
    /// The draft had a version already: an earlier publish was killed before it could say so.
    package let alreadyPublished: Bool
}

/// What was measured of a draft before it becomes a version.
package struct MeasuredDraft: Sendable {
    /// Nil if not measured; points that the draft has already are kept.
    package var operatingPoints: [OperatingPoint]?
    package var certificate: RecallCertificate?
    package var gate: RecallGate?

    package init(
        operatingPoints: [OperatingPoint]? = nil, certificate: RecallCertificate? = nil,
        gate: RecallGate? = nil
    ) {
        self.operatingPoints = operatingPoints
        self.certificate = certificate
        self.gate = gate
    }
}

/// Measures content whose objects are all there. If it throws, no version is created.
package typealias Measurement =
    @Sendable (Draft) async throws(TesseraError) -> MeasuredDraft

extension Catalog {
    /// Checks every object of a draft (nil: the newest), measures it, and creates the next version.
    ///
    /// - Parameter readBack: whether objects that the latest version proved are read again.
    /// - Throws: `conflict` where another publish was faster, `corrupted` where an object is not
    ///   what the draft says, `notFound` for no such draft. A version is there if and only if the
    ///   call returns, except after `unavailable`, whose message says what to look at.
    package func publish(
        draftID: String? = nil, readBack: ReadBack = .brought,
        progress: @escaping ProgressHandler = { _ in },
        measure: @escaping Measurement = { (_: Draft) async throws(TesseraError) in MeasuredDraft()
        }
    ) async throws(TesseraError) -> Publication {
        let entries = try await readVersions()
        let id = if let draftID { draftID } else { try await newestDraftID() }
        if let manifest = manifest(ofDraft: id, in: entries) {
            return await finish(manifest, draft: id, alreadyPublished: true)
        }
        guard let draft = try await draftIfPresent(id) else {
            return try await publicationOfVanished(draft: id)
        }
        return try await withClaim(on: draft.index) { claim throws(TesseraError) in
            guard try await store.head(CatalogLayout.key(draft: id)) != nil else {
                return try await publicationOfVanished(draft: id)
            }
            try requireOnTop(draft, of: entries)
            try await requireComplete(
                draft.index, parent: entries.last { $0.manifest != nil }, readBack: readBack,
                progress: progress)
            var index = draft.index
            let measured = try await measure(draft)
            index.operatingPoints = index.operatingPoints ?? measured.operatingPoints
            let manifest = Manifest(
                version: try nextNumber(after: entries), createdAt: clock.now(), kind: .publish,
                draft: id, tuneOf: draft.tuneOf, nonce: options.makeNonce(), index: index,
                certificate: measured.certificate, recallGate: measured.gate)
            return try await commit(manifest, claim)
        }
    }

    /// Makes a new version with the content of an older one, after a check of its objects.
    ///
    /// - Parameter readBack: whether objects are read again although the older version proved them.
    package func rollback(
        to version: Int, readBack: ReadBack = .brought,
        progress: @escaping ProgressHandler = { _ in }
    ) async throws(TesseraError) -> Manifest {
        let entries = try await readVersions()
        let old = try await manifest(version)
        // An unreadable latest version is no obstacle: a rollback repairs it.
        guard entries.last(where: { !$0.isCollected })?.number != version else {
            throw TesseraError(
                .invalidArgument, "version \(version) of index '\(index)' is the latest already")
        }
        return try await withClaim(on: old.index) { claim throws(TesseraError) in
            // Again: it may have been collected before the claim was there to see.
            _ = try await self.manifest(version)
            try await requireComplete(
                old.index, parent: entries.first { $0.number == version }, readBack: readBack,
                progress: progress)
            let manifest = Manifest(
                version: try nextNumber(after: entries), createdAt: clock.now(), kind: .rollback,
                rollbackOf: version, nonce: options.makeNonce(), index: old.index,
                certificate: old.certificate)
            return try await commit(manifest, claim).manifest
        }
    }

    /// A version measured anew must not bring its content back over a newer one.
    private func requireOnTop(
        _ draft: Draft, of entries: [VersionEntry]
    ) throws(TesseraError) {
        guard let tuneOf = draft.tuneOf,
            let latest = entries.last(where: { !$0.isCollected })?.number, latest != tuneOf
        else { return }
        throw TesseraError(
            .conflict,
            "draft \(draft.id) is version \(tuneOf) of index '\(index)' measured anew, but version \(latest) was "
                + "published since; run tune again")
    }

    private func newestDraftID() async throws(TesseraError) -> String {
        try await draftToPublish(nil).id
    }

    private func nextNumber(after entries: [VersionEntry]) throws(TesseraError) -> Int {
        let number = (entries.last?.number ?? 0) + 1
        guard number <= CatalogLayout.maximumVersion else {
            throw TesseraError(
                .resourceExhausted,
                "index '\(index)' has used up its version numbers; train into a new index")
        }
        return number
    }

    private func manifest(ofDraft id: String, in entries: [VersionEntry]) -> Manifest? {
        entries.lazy.compactMap(\.manifest).first { $0.draft == id }
    }

    /// Finds out why a draft is gone: it was published, or collected.
    private func publicationOfVanished(
        draft id: String
    ) async throws(TesseraError) -> Publication {
        if let manifest = manifest(ofDraft: id, in: try await readVersions()) {
            return Publication(manifest: manifest, alreadyPublished: true)
        }
        throw try await unknownDraft(id)
    }

    /// The one place that makes a version visible.
    private func commit(
        _ manifest: Manifest, _ claim: Claim
    ) async throws(TesseraError) -> Publication {
        try requireFresh(claim)
        let bytes = try manifest.encoded()
        do throws(TesseraError) {
            if try await store.create(CatalogLayout.key(version: manifest.version), bytes) {
                return await finish(manifest, draft: manifest.draft, alreadyPublished: false)
            }
        } catch {
            return try await settle(manifest, after: error)
        }
        return try await settle(manifest, after: nil)
    }

    /// Finds out which writer owns the version after a create that did not succeed.
    ///
    /// A create whose answer was lost may have succeeded, and one that a store repeated may have
    /// found its own object: only the nonce tells.
    private func settle(
        _ manifest: Manifest, after failure: TesseraError?
    ) async throws(TesseraError) -> Publication {
        let number = manifest.version
        let state: VersionEntry.State?
        do throws(TesseraError) {
            state = try await versionState(number)
        } catch {
            throw unsettled(number, failure ?? error)
        }
        guard let state else { throw unsettled(number, failure) }
        guard case .published(let winner) = state else {
            throw beaten(number, by: "something that cannot be read")
        }
        if winner.nonce == manifest.nonce {
            return await finish(winner, draft: winner.draft, alreadyPublished: false)
        }
        if let draft = winner.draft, draft == manifest.draft {
            return await finish(winner, draft: draft, alreadyPublished: true)
        }
        let source = winner.draft.map { "draft \($0)" } ?? "a rollback to \(winner.rollbackOf ?? 0)"
        throw beaten(number, by: source)
    }

    private func beaten(_ number: Int, by winner: String) -> TesseraError {
        TesseraError(
            .conflict,
            "version \(number) of index '\(index)' was taken by \(winner) meanwhile; look at it, then "
                + "run this again for version \(number + 1)")
    }

    private func unsettled(_ number: Int, _ cause: TesseraError?) -> TesseraError {
        TesseraError(
            cause?.code ?? .unavailable,
            "version \(number) of index '\(index)' could not be written for certain; list the versions, then "
                + "run this again: a publish that went through is recognised by its draft",
            cause: cause)
    }

    /// The version stands, so a draft that cannot be removed is no failure: the next publish
    /// recognises it.
    private func finish(
        _ manifest: Manifest, draft: String?, alreadyPublished: Bool
    ) async -> Publication {
        if let draft { try? await store.delete(CatalogLayout.key(draft: draft)) }
        return Publication(manifest: manifest, alreadyPublished: alreadyPublished)
    }
}
