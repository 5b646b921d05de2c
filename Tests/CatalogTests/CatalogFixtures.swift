// A small index to publish and a clock to turn.
import Catalog
import Foundation
import ObjectStore
import Synchronization
import TesseraBase
import Testing

/// A clock that only moves when told.
final class ManualClock: Sendable {
    private let time = Mutex(Date(timeIntervalSince1970: 1_800_000_000))

    var wall: WallClock { WallClock { self.time.withLock { $0 } } }

    func advance(hours: Double) {
        time.withLock { $0 += hours * 3600 }
    }
}

/// A catalog over a memory store under a manual clock.
struct Bench {
    let clock: ManualClock
    let memory: MemoryStore
    let catalog: Catalog

    init() throws {
        clock = ManualClock()
        memory = MemoryStore(clock: clock.wall)
        catalog = try Catalog(store: memory, index: IndexName("photos"), clock: clock.wall)
    }

    /// The same index through another store.
    func catalog(over store: any ObjectStore) throws -> Catalog {
        try Catalog(store: store, index: IndexName("photos"), clock: clock.wall)
    }

    /// Builds, drafts and publishes.
    func publish(_ content: String) async throws -> Manifest {
        _ = try await catalog.train(content)
        return try await catalog.publish().manifest
    }

    /// An index with queries and three operating points.
    func measured() async throws -> IndexDescription {
        var index = try await catalog.store("one")
        index.queries = QuerySetReference(
            digest: try await catalog.putObject(.querySet, Array("queries".utf8)), bytes: 7,
            count: 3, k: 10, source: .sample, truth: .vectors, seed: 1)
        index.operatingPoints = [
            OperatingPointTests.point(0.5, codes: 10), OperatingPointTests.point(0.9, codes: 20),
            OperatingPointTests.point(0.99, codes: 30),
        ]
        return index
    }

    func keys(_ folder: String) async throws -> [String] {
        try await catalog.store.list(prefix: folder).map(\.key)
    }
}

extension Catalog {
    /// Stores a router, an id table and two shards made from `content`; the router is the same for
    /// all.
    func store(_ content: String) async throws -> IndexDescription {
        let router = try await putObject(.router, Array("router".utf8))
        let table = Array("table \(content)".utf8)
        let idTable = try await putObject(.idTable, table)
        var shards: [ShardReference] = []
        for ordinal in 0..<2 {
            let bytes = Array("shard \(ordinal) of \(content)".utf8)
            shards.append(
                ShardReference(
                    digest: try await putObject(.shard, bytes), bytes: UInt64(bytes.count),
                    vectors: 5, lists: 2, open: ByteSpan(offset: 2, length: 4)))
        }
        return describe(
            router: ObjectReference(digest: router, bytes: 6),
            idTables: [
                IDTableReference(
                    digest: idTable, bytes: UInt64(table.count), entries: 10,
                    open: ByteSpan(offset: 2, length: 4))
            ], shards: shards)
    }

    func train(_ content: String) async throws -> Draft {
        try await saveDraft(store(content))
    }

    private func describe(
        router: ObjectReference, idTables: [IDTableReference], shards: [ShardReference]
    ) -> IndexDescription {
        IndexDescription(
            name: index.text, metric: "l2", dimension: 4, elementType: "f32", vectors: 10,
            backend: BackendDescription(name: "mock", version: "1"), seed: UInt64.max,
            inputDigest: ContentDigest(of: [1]), partition: "cells", shardSize: 5,
            quantizer: QuantizerDescription(
                subquantizers: 2, subdimension: 2, bits: 4, rotation: false),
            refine: "sq8", search: SearchDefaults(nprobe: 2, refineDepth: 10, probeShards: 1),
            rules: ["nprobe": "all"], router: router, idTables: idTables, shards: shards)
    }

    /// Every visible version is complete: the invariant that no kill may break.
    func expectAllSound(_ note: String = "") async throws {
        for number in try await store.list(prefix: "versions/").indices.map({ $0 + 1 }) {
            guard let report = try? await verify(number) else {
                let error = await failure { _ = try await manifest(number) }
                #expect(error?.code == .notFound, "version \(number) \(note)")
                continue
            }
            #expect(report.isSound, "version \(number) \(note): \(report.problems)")
        }
    }
}

/// The error of `work`, which must be a TesseraError.
func failure(_ work: () async throws -> Void) async -> TesseraError? {
    do {
        try await work()
        return nil
    } catch {
        return error as? TesseraError
    }
}
