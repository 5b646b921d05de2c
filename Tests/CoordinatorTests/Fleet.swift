// An index on disk, workers that serve it, and a coordinator's provider over them.
import Catalog
import Coordinator
import Foundation
import Indexer
import Logging
import ObjectStore
import Search
import SearchTypes
import TesseraBase
import TestSupport
import VectorCore
import VectorIndex

/// A published index in a folder.
struct StoredIndex: Sendable {
    static let name = "photos"

    let folder: TemporaryFolder
    let store: FileStore
    let manifest: Manifest
    let base: Matrix
    let queries: Matrix

    /// Clustered vectors with ids "v0", "v1", …, in shards of 400 or so; and queries of the same
    /// kind.
    init(
        rows: Int = 8000, queries: Int = 300, metric: Metric = .l2, rotation: Bool = false,
        shardSize: Int = 400
    ) async throws {
        folder = try TemporaryFolder()
        store = FileStore(root: folder.path("store"))
        var all = RandomVectors.clustered(
            rows: rows + queries, columns: 32, clusters: 40, seed: 11)
        if metric.normalises { try normalise(&all, firstRow: 0, file: "vectors") }
        base = all.gathering(Array(0..<rows))
        self.queries = all.gathering(Array(rows..<rows + queries))
        let input = folder.path("vectors.fbin")
        try VectorFileWriter.write(base, to: input)
        let ids = try folder.write(
            "ids.txt", Data((0..<rows).map { "v\($0)\n" }.joined().utf8))
        var settings = IndexSettings(
            index: Self.name, vectorsPath: input, idsPath: ids, metric: metric,
            scratchFolder: folder.url.path)
        settings.shardSize = shardSize
        settings.rotation = rotation
        let catalog = try Catalog(store: store, index: IndexName(Self.name))
        _ = try await IndexBuilder(
            settings: settings, backend: MockBackend(), catalog: catalog,
            pool: WorkPool(width: 2), progress: { _ in }
        ).run()
        manifest = try await catalog.publish().manifest
    }

    var options: SearchOptions {
        let search = manifest.index.search
        return SearchOptions(
            k: 10, probeCount: search.nprobe,
            listMargin: manifest.index.listMargin(probes: search.nprobe),
            refineDepth: search.refineDepth,
            probeShards: search.probeShards)
    }

    func request(
        _ rows: Range<Int>? = nil, options: SearchOptions? = nil, deadline: Duration? = nil,
        allowPartial: Bool = false
    ) -> SearchRequest {
        SearchRequest(
            queries: rows.map { queries.gathering(Array($0)) } ?? queries,
            options: options ?? self.options,
            deadline: deadline.map { SteadyClock.system.now() + $0 }, allowPartial: allowPartial)
    }

    /// The answers of one process that has everything.
    func local(_ options: SearchOptions? = nil) async throws -> [SearchAnswer] {
        let catalog = try Catalog(store: store, index: IndexName(Self.name))
        let pool = WorkPool(width: 2)
        let searcher = try await VersionLoader.load(
            manifest, from: catalog, pool: pool, residency: .all, progress: { _ in })
        return try await searcher.search(
            queries, options: options ?? self.options, pool: pool, batch: 16
        ).answers
    }

    func startWorkers(_ count: Int, _ more: [String] = []) async throws -> [WorkerProcess] {
        var workers: [WorkerProcess] = []
        for _ in 0..<count {
            workers.append(try await WorkerProcess(store: folder.path("store"), more))
        }
        return workers
    }

    /// Runs `body` on the index opened over the workers.
    func withBackend<Value: Sendable>(
        _ workers: [WorkerProcess], replication: Int = 1,
        _ body: @Sendable (any VersionBackend) async throws -> Value
    ) async throws -> Value {
        try await withProvider(
            RemoteSettings(
                workers: .list(workers.map(\.address).sorted()), replication: replication)
        ) { provider in
            let backend = try await provider.open(index: Self.name, version: manifest.version)
            let value = try await body(backend)
            await backend.retire()
            return value
        }
    }

    func withProvider<Value: Sendable>(
        _ settings: RemoteSettings, _ body: @Sendable (RemoteProvider) async throws -> Value
    ) async throws -> Value {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let provider = try RemoteProvider(
            settings, store: store, pool: WorkPool(width: 2), logger: logger)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await provider.run() }
            defer { group.cancelAll() }
            return try await body(provider)
        }
    }
}
