// A server on a free port, over an index built for the test.
import Catalog
import Coordinator
import Foundation
import Indexer
import Logging
import ObjectStore
import Search
import SearchProtocol
import SearchTypes
import ServiceLifecycle
import TesseraBase
import TestSupport
import Testing
import VectorCore
import VectorIndex

/// A published index "photos" over a memory store, ids "v0", "v1" and so on.
struct PublishedIndex: Sendable {
    static let dimension = 16
    static let vectors = RandomVectors.clustered(
        rows: 900, columns: dimension, clusters: 12, seed: 4)

    /// The index of all tests that change nothing.
    static let shared = Task { try await PublishedIndex() }

    let store: any ObjectStore
    let catalog: Catalog
    let manifest: Manifest
    let metric: Metric

    init(_ metric: Metric = .l2, store: any ObjectStore = MemoryStore()) async throws {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        var settings = IndexSettings(
            index: "photos", metric: metric, scratchFolder: folder.url.path)
        settings.shardSize = 300
        self.store = store
        self.metric = metric
        catalog = try Catalog(store: store, index: IndexName("photos"))
        _ = try await IndexBuilder(
            settings: settings,
            source: MemoryVectors(
                Self.vectors, ids: (0..<Self.vectors.rows).map { "v\($0)" }),
            backend: MockBackend(), catalog: catalog, pool: WorkPool(width: 2), progress: { _ in }
        ).run()
        manifest = try await catalog.publish().manifest
    }

    /// Saves a draft with the content of the first version and another `nprobe`.
    func draft(nprobe: Int) async throws -> Draft {
        var index = manifest.index
        index.search.nprobe = nprobe
        return try await catalog.saveDraft(index)
    }

    func query(_ row: Int) -> [Float] { Array(Self.vectors.row(row)) }

    /// The hits of the engine itself.
    func expected(
        _ query: [Float], _ options: SearchOptions? = nil, k: Int = 10
    ) async throws -> [Hit] {
        let searcher = try await VersionLoader.load(
            manifest, from: catalog, pool: WorkPool(width: 1), progress: { _ in })
        var matrix = Matrix(rows: 1, columns: query.count, elements: query)
        if metric.normalises { try normalise(&matrix, firstRow: 0, file: "query") }
        let options =
            try options
            ?? QueryLimits(manifest.index).options(
                k: k, nprobe: nil, refine: nil, batch: 1)
        var scratch = SearchScratch()
        return try searcher.search(matrix.row(0), options: options, scratch: &scratch).hits
    }
}

/// A server under test.
struct TestServer: Sendable {
    let port: Int
    let server: CoordinatorServer
    let group: ServiceGroup

    func ask(
        _ method: String, _ path: String, headers: [String: String] = [:], body: String? = nil
    ) async throws -> WireAnswer {
        try await ask(method, path, headers: headers, bytes: body.map { Array($0.utf8) })
    }

    func ask(
        _ method: String, _ path: String, headers: [String: String] = [:], bytes: [UInt8]?
    ) async throws -> WireAnswer {
        let wire = try Wire(port: port)
        try await wire.send(Wire.request(method, path, headers: headers, body: bytes))
        return try await wire.answer()
    }

    func search(_ body: String, headers: [String: String] = [:]) async throws -> WireAnswer {
        try await ask("POST", "/v1/indexes/photos/search", headers: headers, body: body)
    }

    /// Asks until `holds`, which must become true by itself; a minute later the test fails.
    func wait(for what: String, _ holds: () async throws -> Bool) async throws {
        let end = SteadyClock.system.now() + .seconds(60)
        while SteadyClock.system.now() < end {
            if try await holds() { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        Issue.record("waited in vain for: \(what)")
    }

    func isReady() async throws -> Bool {
        try await ask("GET", "/ready").status == 200
    }
}

/// Runs `body` against a server that is ready, then shuts it down and waits for its end.
func withServer<Output>(
    _ index: PublishedIndex, provider: (any BackendProvider)? = nil, waits: Bool = true,
    _ change: (inout ServerSettings) -> Void = { _ in },
    body: (TestServer) async throws -> Output
) async throws -> Output {
    var settings = ServerSettings()
    settings.port = 0
    settings.drain = .zero
    settings.watch.interval = .milliseconds(50)
    change(&settings)
    let server = try CoordinatorServer(
        settings, store: index.store,
        provider: provider ?? LocalProvider(store: index.store, pool: WorkPool(width: 2)),
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    let (ports, listening) = AsyncStream<Int>.makeStream()
    let group = try server.group(endsOnSignals: false) { port in listening.yield(port) }
    return try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask {
            defer { listening.finish() }
            try await group.run()
        }
        var iterator = ports.makeAsyncIterator()
        guard let port = await iterator.next() else {
            try await tasks.waitForAll()
            throw WireFailure(description: "the server did not start")
        }
        let tested = TestServer(port: port, server: server, group: group)
        let outcome: Result<Output, any Error>
        do {
            if waits { try await tested.wait(for: "ready") { try await tested.isReady() } }
            outcome = .success(try await body(tested))
        } catch {
            outcome = .failure(error)
        }
        await group.triggerGracefulShutdown()
        try await tasks.waitForAll()
        return try outcome.get()
    }
}

/// A backend that answers each search when the test says so.
final class HeldBackend: VersionBackend, BackendProvider {
    private let inside: LocalProvider
    private let gate: AdmissionGate

    /// Searches wait until ``release()``; each release lets one go.
    init(_ index: PublishedIndex) {
        inside = LocalProvider(store: index.store, pool: WorkPool(width: 1))
        gate = AdmissionGate(places: 1, seats: 1000)
        _ = gate.tryEnter()
    }

    var waiting: Int { gate.counts.waiting }

    func release() { gate.leave() }

    func open(index: String, version: Int) async throws(TesseraError) -> any VersionBackend { self }

    func search(_ request: SearchRequest) async throws(TesseraError) -> [BackendAnswer] {
        do throws(ServiceError) { try await gate.enter(deadline: nil) } catch {
            throw TesseraError(.cancelled, error.message)
        }
        return (0..<request.queries.rows).map { _ in
            BackendAnswer(answer: SearchAnswer(hits: [], receipt: Receipt()))
        }
    }

    func vector(of id: String) async throws(TesseraError) -> [Float]? { nil }

    func retire() async {}
}

extension Array where Element == Float {
    /// This vector as JSON.
    var json: String { "[" + map { "\($0)" }.joined(separator: ",") + "]" }

    /// This vector as base64 of little-endian float32.
    var base64: String {
        var data = Data()
        for element in self {
            Swift.withUnsafeBytes(of: element.bitPattern.littleEndian) {
                data.append(contentsOf: $0)
            }
        }
        return data.base64EncodedString()
    }
}
