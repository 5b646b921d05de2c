// A coordinator with worker processes on loopback.
import Catalog
import Coordinator
import Foundation
import Glibc
import SearchProtocol
import SearchTypes
import Synchronization
import TesseraBase
import TestSupport
import Testing
import VectorCore

@Suite(.serialized)
struct RemoteSearchTests {
    private static func recall(_ answers: [SearchAnswer], _ truth: [[Int]]) -> Double {
        ExactSearch.recall(
            answers.map { answer in answer.hits.compactMap { Int($0.id.dropFirst()) } }, truth)
    }

    @Test(arguments: [(Metric.l2, false), (.cosine, true), (.innerProduct, false)])
    func `four workers find what one process finds, and the same each time`(
        metric: Metric, rotation: Bool
    ) async throws {
        let index = try await StoredIndex(queries: 200, metric: metric, rotation: rotation)
        let workers = try await index.startWorkers(4)
        let local = try await index.local()
        let (first, second, alone) = try await index.withBackend(workers) { backend in
            let first = try await backend.search(index.request())
            let second = try await backend.search(index.request())
            var alone: [BackendAnswer] = []
            for row in 0..<50 {
                alone += try await backend.search(index.request(row..<row + 1))
            }
            return (first, second, alone)
        }
        #expect(first.map(\.answer.hits) == second.map(\.answer.hits))
        #expect(alone.map(\.answer.hits) == first.prefix(50).map(\.answer.hits))
        #expect(first.allSatisfy { $0.share == 1 && $0.source == .ram })
        #expect(Self.overlap(first, local) >= 0.999)
        let truth = ExactSearch.nearest(index.queries, in: index.base, k: 10, metric: metric)
        let recalls = (Self.recall(first.map(\.answer), truth), Self.recall(local, truth))
        #expect(abs(recalls.0 - recalls.1) <= 0.001)
        // Lists are chosen over all shards, so workers scan the lists that one process scans.
        for (answer, one) in zip(first, local) {
            let receipt = answer.answer.receipt
            #expect(
                receipt.listsScanned + receipt.listsSkipped
                    == one.receipt.listsScanned + one.receipt.listsSkipped)
            #expect(receipt.shardsOffered == one.receipt.shardsOffered)
        }
    }

    private static func overlap(_ many: [BackendAnswer], _ one: [SearchAnswer]) -> Double {
        let shared = zip(many, one).reduce(0) { sum, pair in
            sum
                + Set(pair.0.answer.hits.map(\.place)).intersection(pair.1.hits.map(\.place)).count
        }
        return Double(shared) / Double(one.reduce(0) { $0 + $1.hits.count })
    }

    @Test
    func `where few candidates are refined for many shards, workers find no more than one process`()
        async throws
    {
        let index = try await StoredIndex(rows: 20_000, queries: 400, shardSize: 800)
        let workers = try await index.startWorkers(4)
        let truth = ExactSearch.nearest(index.queries, in: index.base, k: 10, metric: .l2)
        for (k, depth) in [(10, 40), (10, 12), (5, 3)] {
            var options = index.options
            (options.k, options.refineDepth) = (k, depth)
            options.probeCount = min(40, options.probeCount * 4)
            let request = index.request(options: options)
            let (once, twice) = try await index.withBackend(workers, replication: 2) {
                (try await $0.search(request), try await $0.search(request))
            }
            let local = try await index.local(options)
            #expect(once.map(\.answer.hits) == twice.map(\.answer.hits))
            #expect(Self.overlap(once, local) >= 0.999)
            // Without the cut workers would find more, since they refine more candidates.
            options.refineDepth = 4 * depth
            let deeper = try await index.local(options)
            #expect(Self.overlap(once, deeper) < 0.99)
            let recalls = (
                Self.recall(once.map(\.answer), truth), Self.recall(local, truth)
            )
            #expect(abs(recalls.0 - recalls.1) <= 0.001)
        }
    }

    /// Counts of a load of searches.
    private struct Load {
        var answered = 0
        var wrong = 0
        var failed = 0
        var isOver = false
    }

    private final class LoadCount: Sendable {
        let load = Mutex(Load())

        var isOver: Bool { load.withLock { $0.isOver } }

        func count(_ change: (inout Load) -> Void) {
            load.withLock { change(&$0) }
        }
    }

    /// Has eight callers search until `body` has ended, and compares every answer with the first.
    private func underLoad(
        _ index: StoredIndex, _ backend: any VersionBackend,
        _ body: @Sendable @escaping () async throws -> Void
    ) async throws -> Load {
        let expected = try await backend.search(index.request()).map(\.answer.hits)
        let load = LoadCount()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for caller in 0..<8 {
                group.addTask {
                    var row = caller
                    while !load.isOver {
                        row = (row + 8) % index.queries.rows
                        do throws(TesseraError) {
                            let answers = try await backend.search(index.request(row..<row + 1))
                            let right = answers[0].answer.hits == expected[row]
                            load.count { load in
                                load.answered += 1
                                load.wrong += right ? 0 : 1
                            }
                        } catch {
                            load.count { $0.failed += 1 }
                        }
                    }
                }
            }
            group.addTask {
                defer { load.count { $0.isOver = true } }
                try await body()
            }
            try await group.waitForAll()
        }
        return load.load.withLock { $0 }
    }

    @Test
    func `a worker killed under load costs no wrong answer, and its shards are found elsewhere`()
        async throws
    {
        let index = try await StoredIndex()
        let workers = try await index.startWorkers(4)
        try await index.withBackend(workers, replication: 2) { backend in
            let load = try await underLoad(index, backend) {
                try await Task.sleep(for: .milliseconds(200))
                workers[1].send(SIGKILL)
                try await Task.sleep(for: .milliseconds(800))
            }
            #expect(load.wrong == 0)
            // At most the searches under way when it was killed.
            #expect(load.failed <= 8)
            #expect(load.answered > 100)
            let after = try await backend.search(index.request())
            #expect(after.allSatisfy { $0.share == 1 })
        }
    }

    @Test func `a worker told to end under load costs nothing`() async throws {
        let index = try await StoredIndex()
        let workers = try await index.startWorkers(4)
        try await index.withBackend(workers, replication: 2) { backend in
            let load = try await underLoad(index, backend) {
                try await Task.sleep(for: .milliseconds(200))
                workers[2].send(SIGTERM)
                #expect(await workers[2].end() == 0)
                try await Task.sleep(for: .milliseconds(200))
            }
            #expect(load.wrong == 0)
            #expect(load.failed == 0)
            #expect(load.answered > 100)
        }
    }

    @Test func `a killed worker that comes back is asked again`() async throws {
        let index = try await StoredIndex(queries: 20)
        let workers = try await index.startWorkers(1)
        try await index.withBackend(workers) { backend in
            let before = try await backend.search(index.request())
            workers[0].send(SIGKILL)
            _ = await workers[0].end()
            let error = await #expect(throws: TesseraError.self) {
                try await backend.search(index.request(deadline: .seconds(5)))
            }
            #expect(error?.code == .unavailable)
            let again = try await WorkerProcess(
                store: index.folder.path("store"), port: workers[0].address.port)
            var after: [BackendAnswer] = []
            while after.isEmpty {
                after = (try? await backend.search(index.request())) ?? []
                try await Task.sleep(for: .milliseconds(50))
            }
            #expect(after.map(\.answer.hits) == before.map(\.answer.hits))
            again.send(SIGTERM)
        }
    }

    @Test
    func `a worker that hangs makes an answer partial where that is allowed, and late where not`()
        async throws
    {
        let index = try await StoredIndex(queries: 40)
        let workers = try await index.startWorkers(2)
        try await index.withBackend(workers) { backend in
            let whole = try await backend.search(index.request())
            try await workers[0].halt()
            let partial = try await backend.search(
                index.request(deadline: .milliseconds(400), allowPartial: true))
            let error = await #expect(throws: TesseraError.self) {
                try await backend.search(index.request(deadline: .milliseconds(400)))
            }
            workers[0].send(SIGCONT)
            #expect(error?.code == .unavailable)
            #expect(partial.contains { $0.share < 1 })
            #expect(partial.contains { $0.share > 0 })
            for (some, all) in zip(partial, whole) {
                if some.share == 1 { #expect(some.answer.hits == all.answer.hits) }
                // A hit that both have is the same vector at the same distance.
                for hit in all.answer.hits {
                    if let found = some.answer.hits.first(where: { $0.place == hit.place }) {
                        #expect(found == hit)
                    }
                }
            }
        }
    }

    @Test func `a worker that hangs is not waited for where another holds its shards`() async throws
    {
        let index = try await StoredIndex(queries: 60)
        let workers = try await index.startWorkers(3)
        try await index.withBackend(workers, replication: 2) { backend in
            var expected: [BackendAnswer] = []
            // One by one, so that every worker's usual latency is known.
            for _ in 0..<2 {
                expected = []
                for row in 0..<60 {
                    expected += try await backend.search(index.request(row..<row + 1))
                }
            }
            try await workers[1].halt()
            // A hedge goes out after the usual latency; without it the deadline would pass.
            for row in 0..<5 {
                let answers = try await backend.search(
                    index.request(row..<row + 1, deadline: .seconds(20)))
                #expect(answers[0].answer.hits == expected[row].answer.hits)
                #expect(answers[0].share == 1)
            }
            workers[1].send(SIGCONT)
        }
    }

    @Test func `with certificates both sides know each other, without one no request is answered`()
        async throws
    {
        let index = try await StoredIndex(queries: 3)
        let files = try Certificates(in: index.folder)
        let worker = try await WorkerProcess(
            store: index.folder.path("store"), files.arguments(of: "worker"))
        var settings = RemoteSettings(workers: .list([worker.address]))
        settings.security = files.tls(of: "coordinator")
        let answers = try await index.withProvider(settings) { provider in
            let backend = try await provider.open(index: StoredIndex.name, version: 1)
            return try await backend.search(index.request())
        }
        #expect(answers.count == 3)
        settings.longestJoin = .milliseconds(700)
        for stranger in [nil, files.tls(of: "stranger")] {
            settings.security = stranger
            let error = await #expect(throws: TesseraError.self) {
                try await index.withProvider(settings) { provider in
                    _ = try await provider.open(index: StoredIndex.name, version: 1)
                }
            }
            #expect(error?.code == .unavailable)
        }
    }

    @Test func `an id's vector comes from any worker that serves`() async throws {
        let index = try await StoredIndex(queries: 1)
        let workers = try await index.startWorkers(2)
        try await index.withBackend(workers) { backend in
            let vector = try #require(try await backend.vector(of: "v17"))
            for (found, given) in zip(vector, index.base.row(17)) {
                #expect(abs(found - given) < 0.01)
            }
            #expect(try await backend.vector(of: "nobody") == nil)
            let hits = try await backend.search(index.request())[0].answer.hits
            let vectors = try await backend.vectors(of: hits)
            for (hit, found) in zip(hits, vectors) {
                #expect(try await backend.vector(of: hit.id) == found)
            }
            let nowhere = Hit(id: "v1", distance: 0, place: NumericID(shard: 0, row: 1 << 20))
            let error = await #expect(throws: TesseraError.self) {
                try await backend.vectors(of: [nowhere])
            }
            #expect(error?.code == .invalidArgument)
            workers[0].send(SIGKILL)
            _ = await workers[0].end()
            #expect(try await backend.vector(of: "v17") == vector)
            #expect(try await backend.vectors(of: hits).count == hits.count)
        }
    }

    @Test func `a name that resolves finds its workers, one that does not finds none`() async throws
    {
        let index = try await StoredIndex(queries: 5)
        let worker = try await index.startWorkers(1)[0]
        var settings = RemoteSettings(workers: .name("localhost", port: worker.address.port))
        try await index.withProvider(settings) { provider in
            let backend = try await provider.open(
                index: StoredIndex.name, version: index.manifest.version)
            #expect(try await backend.search(index.request()).count == 5)
        }
        settings.workers = .name("no-such-name.invalid", port: 7171)
        settings.longestJoin = .milliseconds(200)
        let error = await #expect(throws: TesseraError.self) {
            try await index.withProvider(settings) { provider in
                _ = try await provider.open(index: StoredIndex.name, version: 1)
            }
        }
        #expect(error?.code == .unavailable)
    }

    @Test func `what no version can answer is refused before any worker is asked`() async throws {
        let index = try await StoredIndex(queries: 2)
        let workers = try await index.startWorkers(1)
        try await index.withBackend(workers) { backend in
            var bad: [SearchRequest] = [
                SearchRequest(
                    queries: Matrix(rows: 1, columns: 31), options: index.options),
                SearchRequest(
                    queries: Matrix(
                        rows: 1, columns: 32, elements: [Float](repeating: .nan, count: 32)),
                    options: index.options),
            ]
            for (k, lists) in [(0, 1), (1, 0), (WireLimits.k + 1, 1)] {
                var options = index.options
                options.k = k
                options.probeCount = lists
                bad.append(SearchRequest(queries: index.queries, options: options))
            }
            for request in bad {
                let error = await #expect(throws: TesseraError.self) {
                    try await backend.search(request)
                }
                #expect(error?.code == .invalidArgument)
            }
        }
    }
}
