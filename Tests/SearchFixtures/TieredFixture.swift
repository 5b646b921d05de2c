// An index in a watched store, searched with as much memory as a test allows.
package import Catalog
package import ObjectStore
package import Search
package import SearchTypes
import TesseraBase
import TestSupport
package import VectorCore
import VectorIndex

/// An index of about eight shards, with queries and their expected hits.
package struct TieredFixture: Sendable {
    package static let queries = RandomVectors.clustered(
        rows: 40, columns: 16, clusters: 30, seed: 8)
    private static let shared = Task { () async throws -> TieredFixture in try await TieredFixture()
    }

    package let index: SearchFixture
    /// The hits of each query with everything in memory.
    package let expected: [[Hit]]
    /// Bytes of all shards in memory.
    package let bytes: [Residency: Int]

    /// The fixture shared by tests that only read it.
    package static func read() async throws -> TieredFixture { try await shared.value }

    package init() async throws {
        let base = RandomVectors.clustered(rows: 2000, columns: 16, clusters: 30, seed: 8)
        index = try await SearchFixture(base, IndexPlan(shardSize: 250))
        let run = try await index.load().search(
            Self.queries, options: index.defaults(k: 10), pool: WorkPool(width: 2), batch: 8)
        expected = run.answers.map(\.hits)
        var bytes: [Residency: Int] = [:]
        for residency in Residency.allCases {
            let cache = ShardCache(budget: .max, pool: WorkPool(width: 1))
            let shards = try VersionShards(
                index.manifest, from: index.catalog, residency: residency)
            _ = try await cache.leaseAll(of: shards)
            bytes[residency] = cache.statistics.bytes
        }
        self.bytes = bytes
    }

    package var shardCount: Int { index.manifest.index.shards.count }
    package var request: SearchRequest {
        SearchRequest(queries: Self.queries, options: index.defaults(k: 10))
    }

    /// A catalog of the index over another store.
    package func catalog(_ store: any ObjectStore) throws -> Catalog {
        try Catalog(store: store, index: IndexName("photos"))
    }

    /// The index's shards, read through `store`.
    package func shards(_ store: any ObjectStore, _ residency: Residency = .all) throws
        -> VersionShards
    {
        try VersionShards(index.manifest, from: try catalog(store), residency: residency)
    }

    /// A provider with `budget` bytes of memory.
    package func provider(
        _ store: any ObjectStore, budget: Int, residency: Residency? = nil, heat: String? = nil
    ) -> LocalProvider {
        LocalProvider(
            store: store, pool: WorkPool(width: 2),
            options: ServingOptions(
                memoryBudget: budget, readBudget: 1 << 20, residency: residency, heatFolder: heat))
    }
}
