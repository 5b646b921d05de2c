// The fan-out on workers in memory, by a clock that the tests move: no socket, no sleep.
import Coordinator
import GRPCCore
import ObjectStore
import SearchProtocol
import SearchTypes
import TesseraBase
import Testing
import VectorCore

/// Two workers that both hold the one shard of a version.
private struct MemoryFleet: Sendable {
    let clock = ManualClock()
    let transports = [MemoryTransport(), MemoryTransport()]
    let workers: WorkerSet
    let hedges = HedgeCounter()
    /// The worker that is asked first, and the other one.
    let first: MemoryTransport
    let second: MemoryTransport

    init() {
        let clock = clock.steady
        let links = transports.enumerated().map { number, transport in
            WorkerLink(
                WorkerAddress(host: "worker", port: 1 + number), transport: transport,
                clock: clock)
        }
        workers = WorkerSet(
            links, shards: [ContentDigest(of: [1, 2, 3])], replication: 2)
        let order = workers.orders[0]
        first = transports[order[0]]
        second = transports[order[1]]
    }

    /// Runs `body` while the links are up and have their search streams.
    func run(_ body: () async throws -> Void) async throws {
        try await withThrowingDiscardingTaskGroup { group in
            for link in workers.links { group.addTask { await link.run {} } }
            for transport in transports {
                while !transport.isOpen { await Task.yield() }
            }
            try await body()
            group.cancelAll()
        }
    }

    /// Searches the one shard.
    func search(within time: Duration = .seconds(30)) async -> PartOutcome {
        let request = PartsRequest(
            index: "photos", version: 1, k: 1, refineDepth: 1, timeout: nil,
            queries: Matrix(rows: 1, columns: 1), transformed: nil,
            parts: [SearchPart(query: 0, shards: [0], lists: [0])])
        let search = RemoteSearch(
            workers: workers, request: request, groups: [0], deadline: clock.now + time,
            hedges: hedges, clock: clock.steady, alarms: clock.alarms)
        return await search.run()[0]
    }

    /// Has the first worker answer 20 searches in 10 ms each, so that its usual time is known.
    func learnLatency() async {
        for _ in 0..<20 {
            async let outcome = search()
            let request = await first.next()
            clock.advance(by: .milliseconds(10))
            first.answer(request, named: "first")
            _ = await outcome
        }
    }
}

extension PartOutcome {
    fileprivate var id: String? { (try? get())?.answer.hits.first?.id }

    fileprivate var code: ErrorCode? {
        if case .failure(let error) = self { error.code } else { nil }
    }
}

@Suite(.timeLimit(.minutes(5)))
struct FanoutTests {
    @Test func `a worker slower than usual is hedged, and the first answer counts`() async throws {
        let fleet = MemoryFleet()
        try await fleet.run {
            await fleet.learnLatency()
            #expect(fleet.second.count == 0)
            let start = fleet.clock.now
            async let outcome = fleet.search()
            let slow = await fleet.first.next()
            await fleet.clock.waitForWake(in: start + .milliseconds(10)...start + .milliseconds(10))
            fleet.clock.advance(by: .milliseconds(9))
            #expect(fleet.second.count == 0)
            fleet.clock.advance(by: .milliseconds(1))
            let hedge = await fleet.second.next()
            fleet.second.answer(hedge, named: "second")
            #expect(await outcome.id == "second")
            // The late answer finds its search over.
            fleet.first.answer(slow, named: "first")
            #expect(fleet.first.count == 21 && fleet.second.count == 1)
        }
    }

    @Test func `a worker answering as usual is not hedged`() async throws {
        let fleet = MemoryFleet()
        try await fleet.run {
            await fleet.learnLatency()
            async let outcome = fleet.search()
            let request = await fleet.first.next()
            fleet.clock.advance(by: .milliseconds(9))
            fleet.first.answer(request, named: "first")
            #expect(await outcome.id == "first")
            #expect(fleet.second.count == 0)
        }
    }

    @Test func `a failed search goes to the other holder`() async throws {
        let fleet = MemoryFleet()
        try await fleet.run {
            async let outcome = fleet.search()
            fleet.first.fail(await fleet.first.next(), .unavailable)
            fleet.second.answer(await fleet.second.next(), named: "second")
            #expect(await outcome.id == "second")
        }
    }

    @Test func `a search that cannot succeed anywhere is not tried again`() async throws {
        let fleet = MemoryFleet()
        try await fleet.run {
            async let outcome = fleet.search()
            fleet.first.fail(await fleet.first.next(), .invalidArgument)
            #expect(await outcome.code == .invalidArgument)
            #expect(fleet.second.count == 0)
        }
    }

    @Test func `a worker that fails twice is left alone until its breaker lets one search try`()
        async throws
    {
        let fleet = MemoryFleet()
        try await fleet.run {
            for _ in 0..<2 {
                async let outcome = fleet.search()
                fleet.first.fail(await fleet.first.next(), .unavailable)
                fleet.second.answer(await fleet.second.next(), named: "second")
                _ = await outcome
            }
            async let spared = fleet.search()
            fleet.second.answer(await fleet.second.next(), named: "second")
            #expect(await spared.id == "second")
            #expect(fleet.first.count == 2)
            fleet.clock.advance(by: .milliseconds(100))
            async let tried = fleet.search()
            fleet.first.answer(await fleet.first.next(), named: "first")
            #expect(await tried.id == "first")
        }
    }

    @Test func `the deadline ends a search that no worker answers`() async throws {
        let fleet = MemoryFleet()
        try await fleet.run {
            let deadline = fleet.clock.now + .seconds(2)
            async let outcome = fleet.search(within: .seconds(2))
            _ = await fleet.first.next()
            await fleet.clock.waitForWake(in: deadline...deadline)
            fleet.clock.advance(by: .milliseconds(1999))
            #expect(fleet.second.count == 0)
            fleet.clock.advance(by: .milliseconds(1))
            #expect(await outcome.code == .unavailable)
        }
    }

    @Test func `a search past its deadline is not sent`() async throws {
        let fleet = MemoryFleet()
        try await fleet.run {
            #expect(await fleet.search(within: .zero).code == .unavailable)
            #expect(fleet.first.count + fleet.second.count == 0)
        }
    }
}
