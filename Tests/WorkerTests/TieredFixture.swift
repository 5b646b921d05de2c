// One index in a store that is watched, searched with as much memory as a test allows.
import Catalog
import ObjectStore
import SearchProtocol
import TesseraBase
import TestSupport
import VectorCore
import VectorIndex
import Worker

/// An index of about eight shards, its queries, and what they have to answer.
struct TieredFixture: Sendable {
    static let queries = RandomVectors.clustered(rows: 40, columns: 16, clusters: 30, seed: 8)
    private static let shared = Task { () async throws -> TieredFixture in try await TieredFixture()
    }

    let index: SearchFixture
    /// What each query finds, all in memory.
    let expected: [[Hit]]
    /// Bytes that all shards take in memory.
    let bytes: [Residency: Int]

    /// The one that all tests read.
    static func read() async throws -> TieredFixture { try await shared.value }

    init() async throws {
        let base = RandomVectors.clustered(rows: 2000, columns: 16, clusters: 30, seed: 8)
        index = try await SearchFixture(base, IndexPlan(shardSize: 250))
        let run = try await index.load().search(
            Self.queries, options: index.defaults(k: 10), pool: WorkPool(width: 2), batch: 8)
        expected = run.answers.map(\.hits)
        var bytes: [Residency: Int] = [:]
        for residency in Residency.allCases {
            let cache = ShardCache(budget: .max, pool: WorkPool(width: 1))
            let shards = VersionShards(index.manifest, from: index.catalog, residency: residency)
            _ = try await cache.leaseAll(of: shards)
            bytes[residency] = cache.statistics.bytes
        }
        self.bytes = bytes
    }

    var shardCount: Int { index.manifest.index.shards.count }
    var request: SearchRequest {
        SearchRequest(queries: Self.queries, options: index.defaults(k: 10))
    }

    func catalog(_ store: any ObjectStore) throws -> Catalog {
        try Catalog(store: store, index: IndexName("photos"))
    }

    func shards(_ store: any ObjectStore, _ residency: Residency = .all) throws -> VersionShards {
        VersionShards(index.manifest, from: try catalog(store), residency: residency)
    }

    func provider(
        _ store: any ObjectStore, budget: Int, residency: Residency? = nil, heat: String? = nil
    ) -> LocalProvider {
        LocalProvider(
            store: store, pool: WorkPool(width: 2),
            options: ServingOptions(
                memoryBudget: budget, readBudget: 1 << 20, residency: residency, heatFolder: heat))
    }
}
