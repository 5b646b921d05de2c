// Retries requests that may succeed on another try.
//
// Invariants: what to do is decided by RetryPolicy, RetryBudget and AdaptiveRate, which are values;
// this class only locks, asks, waits and sends. All requests of one store share its budget and its
// rate. Every wait and every request is bounded in time and ends when its task is cancelled. A
// create never guesses its outcome.
package import Foundation
internal import Synchronization
package import TesseraBase

/// Passes requests on to `base`, and retries those with a transient failure.
package final class RetryingStore: ObjectStore {
    /// Parts of one object that are read at once.
    private static let width = 16

    let base: any ObjectStore
    let policy: RetryPolicy
    let clock: SteadyClock
    let jitter: Jitter
    let state: Mutex<State>

    /// What all requests of the store share.
    struct State {
        var budget: RetryBudget
        var rate: AdaptiveRate
        /// Whether the store ever answered, with success or not.
        var hasAnswered = false
    }

    package init(
        _ base: any ObjectStore, policy: RetryPolicy = RetryPolicy(), clock: SteadyClock = .system,
        jitter: Jitter = .system
    ) {
        self.base = base
        self.policy = policy
        self.clock = clock
        self.jitter = jitter
        let now = clock.now()
        state = Mutex(
            State(
                budget: RetryBudget(policy.budget, at: now),
                rate: AdaptiveRate(policy.rate, at: now)))
    }

    package var address: String { base.address }

    /// The present limit on requests a second, nil without one.
    package var requestsPerSecond: Double? { state.withLock { $0.rate.limit } }

    package func get(
        _ key: ObjectKey, range: Range<UInt64>?
    ) async throws(TesseraError) -> [UInt8] {
        let bytes = range.map { Int(clamping: $0.upperBound - $0.lowerBound) }
        return try await run(RetriedCall("reading '\(key)'", bytes: bytes)) {
            [base] () throws(TesseraError) in try await base.get(key, range: range)
        }
    }

    /// Each part that is one request is tried again by itself, so that one failure does not read
    /// all parts anew.
    package func get(
        _ key: ObjectKey, ranges: [Range<UInt64>]
    ) async throws(TesseraError) -> [[UInt8]] {
        let reads = RangeReads.coalesce(ranges)
        guard reads.count > 1 else { return try await getPart(key, ranges) }
        // Empty ranges are in no read, but have to be checked against the object's size: the first
        // part takes them.
        var parts = reads.map(\.members)
        parts[0] += ranges.indices.filter { ranges[$0].isEmpty }
        let found = try await mapConcurrently(parts, width: Self.width) {
            members throws(TesseraError) in
            try await self.getPart(key, members.map { ranges[$0] })
        }
        var results = [[UInt8]](repeating: [], count: ranges.count)
        for (members, buffers) in zip(parts, found) {
            for (index, buffer) in zip(members, buffers) { results[index] = buffer }
        }
        return results
    }

    package func head(_ key: ObjectKey) async throws(TesseraError) -> ObjectInfo? {
        try await run(RetriedCall("examining '\(key)'", bytes: 0)) {
            [base] () throws(TesseraError) in try await base.head(key)
        }
    }

    package func list(prefix: String) async throws(TesseraError) -> [ObjectInfo] {
        try await run(RetriedCall("listing '\(prefix)'", bytes: nil)) {
            [base] () throws(TesseraError) in try await base.list(prefix: prefix)
        }
    }

    package func put(_ key: ObjectKey, _ bytes: [UInt8]) async throws(TesseraError) {
        try await run(RetriedCall("writing '\(key)'", bytes: bytes.count)) {
            [base] () throws(TesseraError) in try await base.put(key, bytes)
        }
    }

    package func delete(_ key: ObjectKey) async throws(TesseraError) {
        try await run(RetriedCall("deleting '\(key)'", bytes: 0)) {
            [base] () throws(TesseraError) in try await base.delete(key)
        }
    }

    package func delete(_ keys: [ObjectKey]) async throws(TesseraError) {
        try await run(RetriedCall("deleting \(keys.count) objects", bytes: nil)) {
            [base] () throws(TesseraError) in try await base.delete(keys)
        }
    }

    package func subfolders(of folder: String) async throws(TesseraError) -> [String] {
        try await run(RetriedCall("listing '\(folder)'", bytes: nil)) {
            [base] () throws(TesseraError) in try await base.subfolders(of: folder)
        }
    }

    package func staleTemporaryFiles(
        prefix: String, olderThan date: Date, apply: Bool
    ) async throws(TesseraError) -> [ObjectInfo] {
        try await run(RetriedCall("sweeping '\(prefix)'", bytes: nil)) {
            [base] () throws(TesseraError) in
            try await base.staleTemporaryFiles(prefix: prefix, olderThan: date, apply: apply)
        }
    }

    package func blockingReader(_ key: ObjectKey) throws(TesseraError) -> (any BlockingReader)? {
        try base.blockingReader(key)
    }

    package func invalidate(_ key: ObjectKey) async {
        await base.invalidate(key)
    }

    private func getPart(
        _ key: ObjectKey, _ ranges: [Range<UInt64>]
    ) async throws(TesseraError) -> [[UInt8]] {
        let bytes = ranges.reduce(0) { sum, range in
            let next = sum.addingReportingOverflow(
                Int(clamping: range.upperBound - range.lowerBound))
            return next.overflow ? .max : next.partialValue
        }
        return try await run(RetriedCall("reading '\(key)'", bytes: bytes)) {
            [base] () throws(TesseraError) in try await base.get(key, ranges: ranges)
        }
    }

    private func run<Value: Sendable>(
        _ call: RetriedCall, _ body: @escaping @Sendable () async throws(TesseraError) -> Value
    ) async throws(TesseraError) -> Value {
        try await attempts(call, limit: policy.operationLimit(bytes: call.bytes), body).result.get()
    }
}
