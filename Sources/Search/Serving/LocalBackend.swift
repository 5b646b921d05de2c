// One version searched in this process.
package import Catalog
package import SearchTypes
import Synchronization
package import TesseraBase
import VectorCore

/// Answers requests from one version, opened by a ``LocalProvider``. Its memory is freed when it is
/// released after ``retire()``.
package final class LocalBackend: VersionBackend {
    /// The tier of the version's shards.
    enum Tiers: Sendable {
        /// All shards are in memory, kept there by the lease.
        case memory(ResidentQueries, LeasedShards)
        /// Shards are in memory, on disk or in the store.
        case mixed(TieredQueries)
    }

    package let manifest: Manifest
    private let lookup: VectorLookup
    private let cache: ShardCache
    private let shards: VersionShards
    private let tiers: Tiers
    private let isOpen = Atomic(true)

    /// - Precondition: `shards` are open in `cache`; this object closes them.
    init(
        _ manifest: Manifest, from catalog: Catalog, shards: VersionShards, in cache: ShardCache,
        tiers: Tiers
    ) {
        self.manifest = manifest
        self.cache = cache
        self.shards = shards
        self.tiers = tiers
        lookup = VectorLookup(manifest: manifest, catalog: catalog)
    }

    deinit {
        close()
    }

    /// Whether every shard stays in memory.
    package var isInMemory: Bool {
        if case .memory = tiers { true } else { false }
    }

    nonisolated(nonsending) package func search(
        _ request: SearchRequest
    ) async throws(TesseraError) -> [BackendAnswer] {
        try request.check(dimension: manifest.index.dimension)
        switch tiers {
        case .memory(let queries, _): return try await queries.answer(request)
        case .mixed(let queries): return try await queries.answer(request)
        }
    }

    package func vector(of id: String) async throws(TesseraError) -> [Float]? {
        try await lookup.vector(of: id)
    }

    package func vectors(of hits: [Hit]) async throws(TesseraError) -> [[Float]] {
        let places = hits.map(\.place)
        if case .memory(_, let lease) = tiers {
            return try await lookup.vectors(at: places, held: lease.shards)
        }
        let lease = cache.held(Set(places.map(\.shard)).sorted(), of: shards)
        defer { withExtendedLifetime(lease) {} }
        return try await lookup.vectors(at: places, held: lease.shards)
    }

    /// Shards that no other open version has are dropped as soon as no search leases them.
    package func retire() async {
        close()
    }

    private func close() {
        if isOpen.exchange(false, ordering: .relaxed) { cache.close(shards) }
    }
}
