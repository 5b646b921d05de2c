// What retrying does around a failing store, in no real time.
import Foundation
import ObjectStore
import Synchronization
import TesseraBase
import Testing

struct RetryingStoreTests {
    private let clock = TestClock()

    private func store(
        _ script: [Step], policy: RetryPolicy = RetryPolicy()
    ) -> (RetryingStore, ScriptedStore) {
        let base = ScriptedStore(script, clock: clock)
        return (
            RetryingStore(base, policy: policy, clock: clock.steady, jitter: jitter(1)), base
        )
    }

    @Test func `a passing failure is waited out, longer each time`() async throws {
        let (store, base) = store([
            .pass, .fail(.refused), .fail(.internalError), .fail(.refused),
        ])
        try await store.put("a", [7])
        #expect(try await store.get("a") == [7])
        #expect(clock.slept == [.milliseconds(50), .milliseconds(100), .milliseconds(200)])
        #expect(base.requests == ["put a", "get a", "get a", "get a", "get a"])
    }

    @Test func `every request is tried again`() async throws {
        let calls: [@Sendable (RetryingStore) async throws -> Void] = [
            { _ = try await $0.get("a") },
            { _ = try await $0.get("a", range: 0..<1) },
            { _ = try await $0.get("a", ranges: [0..<1]) },
            { _ = try await $0.head("a") },
            { _ = try await $0.list(prefix: "") },
            { try await $0.put("a", [2]) },
            { _ = try await $0.create("b", [2]) },
            { try await $0.delete("b") },
            { try await $0.delete(["b", "c"]) },
            { _ = try await $0.subfolders(of: "") },
            {
                _ = try await $0.staleTemporaryFiles(
                    prefix: "x", olderThan: Date(timeIntervalSince1970: 0), apply: true)
            },
        ]
        for call in calls {
            let (store, base) = store([.pass, .applyThenFail(.internalError), .fail(.refused)])
            try await store.put("a", [1])
            try await call(store)
            #expect(base.requests.count >= 4)
        }
    }

    @Test func `what cannot succeed is not tried again`() async throws {
        let (store, base) = store([.fail(.denied)])
        let denied = await failure { _ = try await store.get("a") }
        #expect(denied?.message == "cannot get a: 403 AccessDenied")
        let missing = await failure { _ = try await store.get("a") }
        #expect(missing?.code == .notFound)
        #expect(base.requests.count == 2)
    }

    @Test func `giving up keeps the cause and says how often and how long`() async throws {
        let (store, base) = store(Array(repeating: .fail(.internalError), count: 20))
        let error = await failure { _ = try await store.get("a") }
        #expect(
            error?.message
                == "cannot get a: 500 InternalError (gave up after 10 tries in 23 s: that was the last try)"
        )
        #expect(error?.storeFailure?.status == 500)
        #expect(error?.code == .unavailable)
        #expect(base.requests.count == 10)
    }

    @Test func `the store's own waiting time is honoured`() async throws {
        let (store, _) = store([.fail(.later(.seconds(5)))])
        _ = try await store.head("a")
        #expect(clock.slept.first == .milliseconds(5050))
        let (other, base) = self.store([.fail(.later(.seconds(1000)))])
        let error = await failure { _ = try await other.head("a") }
        #expect(error?.message.contains("no time is left") == true)
        #expect(base.requests.count == 1)
    }

    @Test func `a hanging request is stopped and tried again`() async throws {
        let (store, base) = store([.pass, .hang])
        try await store.put("a", [1])
        #expect(try await store.get("a", range: 0..<1) == [1])
        #expect(base.requests.count == 3)
        #expect(clock.now > .seconds(30))
        #expect(clock.now < .seconds(31))
    }

    @Test func `an operation ends within its time though every request hangs`() async throws {
        let (store, base) = store(Array(repeating: .hang, count: 20))
        let error = await failure { _ = try await store.head("a") }
        #expect(error?.code == .unavailable)
        #expect(error?.description.contains("no answer from test://bucket") == true)
        #expect(error?.message.contains("no time is left") == true)
        #expect(clock.now <= .seconds(120))
        #expect(base.requests.count == 4)
    }

    @Test func `an outage is not made worse by retries`() async throws {
        var policy = RetryPolicy()
        policy.budget.perSecond = 0
        policy.budget.capacity = 10
        let (store, base) = store(Array(repeating: .fail(.refused), count: 2000), policy: policy)
        var last: TesseraError?
        for _ in 0..<200 { last = await failure { _ = try await store.head("a") } }
        #expect((240...252).contains(base.requests.count))
        #expect(last?.message.contains("gave up after 1 try in 0.00 s: too many requests") == true)
    }

    @Test func `a throttle slows all requests of the store, and success lets them go again`()
        async throws
    {
        var policy = RetryPolicy()
        policy.rate.ceiling = 60
        let (store, _) = store(
            Array(repeating: .pass, count: 8) + [.fail(.slowDown)], policy: policy)
        for _ in 0..<8 { _ = try await store.head("a") }
        #expect(clock.slept.isEmpty)
        _ = try await store.head("a")
        let limit = try #require(store.requestsPerSecond)
        #expect(limit < 20)
        _ = try await store.head("a")
        // The backoff, and places in the queue.
        #expect(clock.slept.count >= 2)
        for _ in 0..<100 where store.requestsPerSecond != nil {
            clock.advance(by: .milliseconds(100))
            _ = try await store.head("a")
        }
        #expect(store.requestsPerSecond == nil)
    }

    @Test func `too long a queue is refused at once`() async throws {
        var policy = RetryPolicy()
        policy.operationTimeout = .seconds(10)
        policy.rate.floor = 0.01
        policy.rate.decreaseFactor = 0.01
        policy.rate.increasePerSecond = 0
        policy.maximumTries = 1
        let (store, base) = store([.fail(.slowDown)], policy: policy)
        _ = await failure { _ = try await store.head("a") }
        let error = await failure { _ = try await store.head("a") }
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("so few requests") == true)
        #expect(base.requests.count == 1)
    }

    @Test func `far ranges are tried again one by one`() async throws {
        let (store, base) = store([.pass, .fail(.refused)])
        let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7 >> 3) }
        try await store.put("a", bytes)
        let ranges: [Range<UInt64>] = [
            200_000..<200_010, 5..<5, 0..<3, 100_000..<100_100, 3..<9,
        ]
        let parts = try await store.get("a", ranges: ranges)
        #expect(parts == ranges.map { Array(bytes[Int($0.lowerBound)..<Int($0.upperBound)]) })
        #expect(base.requests.count == 1 + 3 + 1)
    }

    @Test func `cancelling ends a request and a wait at once`() async throws {
        let (stalled, base) = store([.stall])
        let task = Task { await failure { _ = try await stalled.get("a") } }
        while base.requests.isEmpty { await Task.yield() }
        task.cancel()
        #expect(await task.value?.code == .cancelled)

        let second = ScriptedStore([.fail(.refused)], clock: clock)
        let waiting = RetryingStore(
            second, clock: SteadyClock.system.with(now: clock), jitter: jitter(1))
        let sleeper = Task { await failure { _ = try await waiting.get("a") } }
        while second.requests.isEmpty { await Task.yield() }
        sleeper.cancel()
        #expect(await sleeper.value?.code == .cancelled)
        #expect(second.requests.count == 1)
    }
}

extension SteadyClock {
    /// Real waiting without an end of its own, at a test's time.
    fileprivate func with(now clock: TestClock) -> SteadyClock {
        let forever: @Sendable (Duration) async throws -> Void = { _ in
            try await Task.sleep(for: .seconds(3600))
        }
        return SteadyClock(now: { clock.now }, sleep: forever, alarm: forever)
    }
}
