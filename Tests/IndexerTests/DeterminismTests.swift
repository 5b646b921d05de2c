// Same settings, input and seed: the same objects, byte by byte.
import Catalog
import Foundation
import Indexer
import ObjectStore
import ShardFile
import TesseraBase
import TestSupport
import Testing
import VectorCore
import VectorIndex

struct DeterminismTests {
    private static let backends = Backends.available.map(\.identity.name)

    @Test(arguments: backends, Metric.allCases)
    func `a draft's objects do not depend on threads or store`(backend: String, metric: Metric)
        async throws
    {
        let vectors = RandomVectors.clustered(rows: 1500, columns: 18, clusters: 12, seed: 21)
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        var drafts: [IndexDescription] = []
        for threads in [1, 2, 4] {
            let store: any ObjectStore =
                threads == 2 ? FileStore(root: folder.url.path) : MemoryStore()
            var fixture = try BuildFixture(vectors, metric: metric, store: store)
            fixture.settings.shardSize = 300
            fixture.settings.rotation = threads > 0 && metric == .cosine
            drafts.append(
                try await fixture.build(Backends.named(backend), threads: threads).index)
        }
        #expect(drafts[0].shards.count >= 5)
        #expect(drafts[0] == drafts[1])
        #expect(drafts[0] == drafts[2])
    }

    @Test func `another seed gives other shards, the digest of the input stays`() async throws {
        let vectors = RandomVectors.clustered(rows: 900, columns: 6, clusters: 5, seed: 22)
        var fixture = try BuildFixture(vectors)
        fixture.settings.shardSize = 300
        let first = try await fixture.build().index
        fixture.settings.seed = 2
        let second = try await fixture.build().index
        #expect(first.inputDigest == second.inputDigest)
        #expect(first.shards.map(\.digest) != second.shards.map(\.digest))
    }

    @Test func `another vector or id gives another digest of the input`() async throws {
        let vectors = RandomVectors.uniform(rows: 40, columns: 4, seed: 1)
        var other = vectors
        other.elements[77] += 1
        let ids = (0..<40).map { "id\($0)" }
        var renamed = ids
        renamed[39] = "ID39"
        var digests: Set<String> = []
        for (matrix, names) in [(vectors, ids), (other, ids), (vectors, renamed)] {
            digests.insert(try await BuildFixture(matrix, ids: names).build().index.inputDigest.hex)
        }
        digests.insert(try await BuildFixture(vectors).build().index.inputDigest.hex)
        #expect(digests.count == 4)
    }
}
