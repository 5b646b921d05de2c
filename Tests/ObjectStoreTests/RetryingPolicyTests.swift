// Every branch of the decision whether to try again, and the values it rests on.
import ObjectStore
import TesseraBase
import Testing

struct RetryingPolicyTests {
    /// One row of the decision's table.
    struct Row: Sendable, CustomStringConvertible {
        var failure: StoreFailure?
        var attempt = 1
        var elapsed = Duration.zero
        var hasBudget = true
        var expected: RetryDecision
        var description: String { "\(String(describing: failure?.detail)) \(attempt) \(elapsed)" }
    }

    @Test(arguments: [
        Row(failure: nil, expected: .giveUp(.final)),
        Row(failure: .denied, expected: .giveUp(.final)),
        Row(failure: .refused, expected: .retry(after: .milliseconds(50))),
        Row(failure: .refused, attempt: 2, expected: .retry(after: .milliseconds(100))),
        Row(failure: .refused, attempt: 8, expected: .retry(after: .milliseconds(6400))),
        Row(failure: .refused, attempt: 9, expected: .retry(after: .seconds(10))),
        Row(failure: .refused, attempt: 10, expected: .giveUp(.triesUsedUp)),
        Row(failure: .slowDown, expected: .retry(after: .milliseconds(50))),
        Row(failure: .later(.seconds(7)), expected: .retry(after: .milliseconds(7050))),
        Row(failure: .later(.seconds(7)), elapsed: .seconds(93), expected: .giveUp(.deadline)),
        Row(failure: .later(.seconds(3600)), expected: .giveUp(.deadline)),
        Row(
            failure: .refused, elapsed: .seconds(99.9),
            expected: .retry(after: .milliseconds(50))),
        Row(failure: .refused, elapsed: .seconds(99.95), expected: .giveUp(.deadline)),
        Row(failure: .refused, hasBudget: false, expected: .giveUp(.budget)),
        Row(failure: .denied, hasBudget: false, expected: .giveUp(.final)),
    ])
    func `the decision follows from failure, try, time and budget`(row: Row) {
        var withdrawn = 0
        let decision = RetryPolicy().decide(
            row.failure, attempt: row.attempt, elapsed: row.elapsed, limit: .seconds(100),
            jitter: 1
        ) {
            withdrawn += 1
            return row.hasBudget
        }
        #expect(decision == row.expected)
        // The budget is touched only where nothing else speaks against a retry.
        let asks = row.expected == .giveUp(.budget) || row.expected != .giveUp(.final)
        if !asks || row.expected == .giveUp(.deadline) || row.expected == .giveUp(.triesUsedUp) {
            #expect(withdrawn == 0)
        } else {
            #expect(withdrawn == 1)
        }
    }

    @Test func `a store that never answered is tried for seconds, one that did gets all its tries`()
    {
        func decide(_ seconds: Double, attempt: Int = 3, hasAnswered: Bool) -> RetryDecision {
            RetryPolicy().decide(
                .unreachable, attempt: attempt, elapsed: .seconds(seconds), limit: .seconds(100),
                hasAnswered: hasAnswered, jitter: 0
            ) { true }
        }
        #expect(decide(3.9, hasAnswered: false) == .retry(after: .zero))
        #expect(decide(4, hasAnswered: false) == .giveUp(.neverReached))
        #expect(decide(99, hasAnswered: true) == .retry(after: .zero))
        // Short waits may use up the tries before the time: the reason is the same.
        #expect(decide(1, attempt: 10, hasAnswered: false) == .giveUp(.neverReached))
        #expect(decide(1, attempt: 10, hasAnswered: true) == .giveUp(.triesUsedUp))
    }

    @Test(arguments: [(0.0, 0.0), (0.25, 100.0), (0.5, 200.0), (0.999, 399.6)])
    func `jitter takes any share of the wait, down to none`(share: Double, milliseconds: Double) {
        let decision = RetryPolicy().decide(
            .refused, attempt: 4, elapsed: .zero, limit: .seconds(100), jitter: share
        ) { true }
        guard case .retry(let delay) = decision else {
            Issue.record("no retry")
            return
        }
        #expect(abs(delay / .milliseconds(1) - milliseconds) < 0.001)
    }

    @Test func `the wait is capped at any try`() {
        for attempt in [1, 9, 40, 64, .max] {
            #expect(RetryPolicy().backoff(attempt: attempt) <= .seconds(10))
        }
    }

    @Test func `more bytes get more time`() {
        let policy = RetryPolicy()
        #expect(policy.requestLimit(bytes: 0) == .seconds(30))
        #expect(policy.requestLimit(bytes: 10 << 20) == .seconds(40))
        #expect(policy.requestLimit(bytes: nil) == .seconds(94))
        #expect(policy.operationLimit(bytes: 10 << 20) == .seconds(140))
    }
}

struct RetryingBudgetTests {
    @Test func `retries are a share of the requests`() {
        var limits = RetryBudget.Limits()
        limits.perSecond = 0
        limits.capacity = 10
        var budget = RetryBudget(limits, at: .zero)
        var retries = 0
        for _ in 0..<1000 {
            budget.deposit(at: .zero)
            while budget.withdraw(at: .zero) { retries += 1 }
        }
        #expect((205...215).contains(retries))
    }

    @Test func `time pays in, up to the capacity`() {
        var limits = RetryBudget.Limits()
        limits.capacity = 3
        limits.perSecond = 2
        var budget = RetryBudget(limits, at: .seconds(5))
        func drain(_ seconds: Int) -> Int {
            var count = 0
            while budget.withdraw(at: .seconds(seconds)) { count += 1 }
            return count
        }
        #expect(drain(5) == 3)
        #expect(drain(5) == 0)
        #expect(drain(6) == 2)
        #expect(drain(60) == 3)
        #expect(drain(6) == 0)
    }
}

struct RetryingRateTests {
    /// Sends `perSecond` requests for `seconds`, and returns the longest wait.
    private func send(
        _ rate: inout AdaptiveRate, perSecond: Int, from start: Duration, seconds: Int
    ) -> Duration {
        var longest = Duration.zero
        for index in 0..<perSecond * seconds {
            let now = start + .seconds(Double(index) / Double(perSecond))
            longest = max(longest, rate.reserve(at: now))
        }
        return longest
    }

    @Test func `nothing waits before the first throttle`() {
        var rate = AdaptiveRate(.init(), at: .zero)
        #expect(send(&rate, perSecond: 3000, from: .zero, seconds: 2) == .zero)
        #expect(rate.limit == nil)
    }

    @Test func `a throttle halves the rate that was sent`() throws {
        var rate = AdaptiveRate(.init(), at: .zero)
        _ = send(&rate, perSecond: 400, from: .zero, seconds: 3)
        rate.throttled(at: .seconds(3))
        let limit = try #require(rate.limit)
        #expect(abs(limit - 200) < 5)
        // All that answer the same burst count as one.
        for milliseconds in [3010, 3500, 3999] { rate.throttled(at: .milliseconds(milliseconds)) }
        #expect(rate.limit == limit)
        rate.throttled(at: .seconds(4))
        #expect(try #require(rate.limit) <= limit / 2 + 5)
    }

    @Test func `at the limit requests queue up evenly`() {
        var rate = AdaptiveRate(.init(), at: .zero)
        _ = send(&rate, perSecond: 20, from: .zero, seconds: 2)
        rate.throttled(at: .seconds(2))
        let waits = (0..<5).map { _ in rate.reserve(at: .seconds(2)) / .seconds(1) }
        for (index, wait) in waits.enumerated() {
            #expect(abs(wait - Double(index + 1) / 10) < 0.02)
        }
        // A place that is given back is the next one's.
        rate.refund()
        #expect(abs(rate.reserve(at: .seconds(2)) / .seconds(1) - 0.5) < 0.02)
    }

    @Test func `success raises the rate steadily, until there is no limit`() throws {
        var rate = AdaptiveRate(.init(), at: .zero)
        _ = send(&rate, perSecond: 200, from: .zero, seconds: 2)
        rate.throttled(at: .seconds(2))
        let start = try #require(rate.limit)
        for tenth in 21...30 { rate.succeeded(at: .milliseconds(tenth * 100)) }
        #expect(abs(try #require(rate.limit) - start - 50) < 0.001)
        // An idle minute counts as one second.
        rate.succeeded(at: .seconds(63))
        #expect(abs(try #require(rate.limit) - start - 100) < 0.001)
        for second in 64..<200 { rate.succeeded(at: .seconds(second)) }
        #expect(rate.limit == nil)
    }

    @Test func `the rate never falls below its floor`() {
        var rate = AdaptiveRate(.init(), at: .zero)
        for second in 1...40 { rate.throttled(at: .seconds(second)) }
        #expect(rate.limit == 1)
        #expect(rate.reserve(at: .seconds(41)) <= .seconds(1))
    }
}
