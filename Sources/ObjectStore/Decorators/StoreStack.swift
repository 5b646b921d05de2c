// The order of the wrappers around a remote store, and its reasons.
//
//     CachingStore        answers from disk; what it keeps came through the check below
//     VerifyingStore      whole objects match their name, or are read once more
//     RetryingStore       waits, tries again, splits ranges into the requests they become
//     MeteredStore        counts what is really sent, retries too: that is what is billed
//     the store itself
//
// Caching lies above verifying, so that nothing enters the cache unchecked and a hit is not hashed
// twice (entries carry checks of their own). Verifying lies above retrying, so that its second
// reading has all its tries. Metering lies below retrying, where one call is one request. Publish,
// verify and doctor leave the cache out: they have to see what the store holds.
package import TesseraBase

/// A remote store in its wrappers.
package struct StoreStack: Sendable {
    /// The folder of a cache and what it may hold.
    package struct Cache: Sendable {
        package let folder: String
        package let budgetBytes: UInt64

        package init(folder: String, budgetBytes: UInt64) {
            self.folder = folder
            self.budgetBytes = budgetBytes
        }
    }

    /// The store for reads that may be served from the cache.
    package let store: any ObjectStore
    /// The store without a cache, for publish, verify and doctor.
    package let uncached: any ObjectStore
    package let meter: MeteredStore
    /// The cache; nil without one.
    package let cache: CachingStore?

    package init(
        _ base: any ObjectStore, policy: RetryPolicy = RetryPolicy(), cache: Cache? = nil,
        clock: SteadyClock = .system, jitter: Jitter = .system
    ) {
        meter = MeteredStore(base, clock: clock)
        let retrying = RetryingStore(meter, policy: policy, clock: clock, jitter: jitter)
        let verifying = VerifyingStore(retrying)
        uncached = verifying
        self.cache = cache.map {
            CachingStore(verifying, folder: $0.folder, budgetBytes: $0.budgetBytes, clock: clock)
        }
        store = self.cache ?? verifying
    }
}
