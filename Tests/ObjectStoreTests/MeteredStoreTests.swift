// Counts, bytes, times and dollars are exact.
import ObjectStore
import TesseraBase
import Testing

struct MeteredStoreTests {
    @Test func `requests and bytes are counted by kind`() async throws {
        let store = MeteredStore(MemoryStore())
        let bytes = [UInt8](repeating: 1, count: 200_000)
        try await store.put("a", bytes)
        _ = try await store.create("b", [1, 2])
        _ = try await store.create("b", [1, 2])
        _ = try await store.get("a")
        _ = try await store.get("a", range: 0..<10)
        _ = try await store.get("a", ranges: [0..<10, 20..<30, 150_000..<150_100])
        _ = try await store.head("a")
        _ = try await store.head("nothing")
        _ = try await store.list(prefix: "")
        _ = try await store.subfolders(of: "")
        try await store.delete("b")
        _ = await failure { _ = try await store.get("b") }
        let usage = store.usage
        #expect(usage[.put].requests == 3)
        #expect(usage[.put].bytesWritten == 200_004)
        #expect(usage[.get].requests == 5)
        #expect(usage[.get].bytesRead == 200_000 + 10 + 120)
        #expect(usage[.get].failures == 1)
        #expect(usage[.head].requests == 2)
        #expect(usage[.head].failures == 0)
        #expect(usage[.list].requests == 2)
        #expect(usage[.delete].requests == 1)
        #expect(usage.requests == 13)
        #expect(usage[.get].latency.count == 4)
    }

    @Test func `long lists count by page`() async throws {
        let memory = MemoryStore()
        for number in 0..<2001 { try await memory.put("a/\(number)", []) }
        let store = MeteredStore(memory)
        _ = try await store.list(prefix: "")
        #expect(store.usage[.list].requests == 3)
        try await store.delete((0..<1001).map { "a/\($0)" })
        try await store.delete([])
        #expect(store.usage[.delete].requests == 2)
        #expect(try await memory.list(prefix: "").count == 1000)
    }

    @Test func `two states make a scope`() async throws {
        let store = MeteredStore(MemoryStore())
        try await store.put("a", [1, 2, 3])
        let before = store.usage
        #expect((store.usage - before).requests == 0)
        _ = try await store.get("a")
        _ = try await store.head("a")
        let scope = store.usage - before
        #expect(scope[.put] == OperationUsage())
        #expect(scope[.get].requests == 1)
        #expect(scope[.get].bytesRead == 3)
        #expect(scope[.get].latency.count == 1)
        #expect(scope.requests == 2)
    }

    @Test func `retries are counted below retrying`() async throws {
        let clock = TestClock()
        let meter = MeteredStore(
            ScriptedStore([.fail(.refused), .fail(.internalError)], clock: clock),
            clock: clock.steady)
        let store = RetryingStore(meter, clock: clock.steady, jitter: jitter(1))
        _ = try await store.head("a")
        #expect(meter.usage[.head].requests == 3)
        #expect(meter.usage[.head].failures == 2)
    }

    @Test func `many at once are all counted`() async throws {
        let store = MeteredStore(MemoryStore())
        try await store.put("a", [1])
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<500 { group.addTask { _ = try? await store.get("a") } }
        }
        #expect(store.usage[.get].requests == 500)
        #expect(store.usage[.get].bytesRead == 500)
    }

    @Test func `dollars follow the price table`() {
        var usage = StoreUsage()
        usage[.put].requests = 1000
        usage[.list].requests = 500
        usage[.get].requests = 9000
        usage[.head].requests = 1000
        usage[.delete].requests = 7
        usage[.get].bytesRead = 3 << 30
        let expected = 1.5 * 0.005 + 10 * 0.0004 + 3 * 0.09
        #expect(abs(usage.dollars(.s3Standard) - expected) < 1e-12)
        var near = PriceTable.s3Standard
        near.perGigabyteOut = 0
        #expect(abs(usage.dollars(near) - (expected - 0.27)) < 1e-12)
    }
}

struct MeteredLatencyTests {
    @Test func `percentiles are within a quarter of the truth`() {
        var histogram = LatencyHistogram()
        for milliseconds in 1...1000 { histogram.record(.milliseconds(milliseconds)) }
        for (share, truth) in [(0.5, 500.0), (0.99, 990.0), (0.01, 10.0), (1, 1000)] {
            let found = histogram.percentile(share) / .milliseconds(1)
            #expect(found >= truth)
            #expect(found <= truth * 1.25)
        }
        #expect(histogram.count == 1000)
        #expect(histogram.total == .milliseconds(500_500))
    }

    @Test(arguments: [
        Duration.zero, .nanoseconds(1), .microseconds(1), .seconds(100_000), .seconds(-1),
    ])
    func `the shortest and the longest have a bucket`(duration: Duration) {
        var histogram = LatencyHistogram()
        histogram.record(duration)
        #expect(histogram.percentile(0.5) > .zero)
    }

    @Test func `nothing recorded has no percentile`() {
        #expect(LatencyHistogram().percentile(0.99) == .zero)
    }
}
