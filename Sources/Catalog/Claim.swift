// How a publish or rollback keeps garbage collection away from objects that no version names yet.
//
// The writer first writes a claim that names the objects, then looks whether its source (the draft,
// or the version to go back to) still exists. Collection first retires the source, then reads the
// claims. The store's reads see all finished writes, so at least one of the two sees the other,
// however long either stalls in between: the writer gives up, or the objects stay. A refreshed
// draft could not do this, for collection would remove the very object that was refreshed.
//
// Claims of killed writers are swept after `lifetime`; a writer that took half of it gives up.
internal import Foundation
internal import ObjectStore
internal import TesseraBase

/// A running publish or rollback, as others see it.
struct Claim: Sendable {
    /// Age at which a claim is swept: long enough to read back the largest index.
    static let lifetime = Duration.seconds(24 * 3600)

    let key: ObjectKey
    let madeAt: Date
}

extension Catalog {
    /// Runs `work` while a claim on the objects of `description` is in the store.
    func withClaim<Value: Sendable>(
        on description: IndexDescription,
        _ work: (Claim) async throws(TesseraError) -> Value
    ) async throws(TesseraError) -> Value {
        let id = options.makeNonce()
        let claim = Claim(key: CatalogLayout.key(claim: id), madeAt: clock.now())
        let document = Draft(id: id, createdAt: claim.madeAt, index: description)
        try await store.put(claim.key, document.encoded())
        do throws(TesseraError) {
            let value = try await work(claim)
            await release(claim)
            return value
        } catch {
            await release(claim)
            throw error
        }
    }

    /// Throws `unavailable` once the claim may soon be swept.
    func requireFresh(_ claim: Claim) throws(TesseraError) {
        guard isOlder(claim.madeAt, than: Claim.lifetime / 2) else { return }
        throw TesseraError(
            .unavailable,
            "reading back the objects of index '\(index)' took more than 12 hours, so nothing was published; "
                + "run it again nearer to the store")
    }

    /// A claim that cannot be removed only delays collection, so it is no reason to fail.
    private func release(_ claim: Claim) async {
        try? await store.delete(claim.key)
    }
}
