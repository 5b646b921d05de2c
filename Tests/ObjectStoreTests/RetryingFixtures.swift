// Time that passes when a test says so, and a store that fails as scripted.
import Foundation
import ObjectStore
import Synchronization
import TesseraBase

/// A clock whose sleeps end at once, moving it, and whose alarms ring when it has been moved past
/// them.
final class TestClock: Sendable {
    private struct State {
        var now = Duration.zero
        var slept: [Duration] = []
        var alarms: [Int: (deadline: Duration, ring: CheckedContinuation<Bool, Never>)] = [:]
        var nextAlarm = 0
    }

    private let state = Mutex(State())

    var now: Duration { state.withLock { $0.now } }
    /// What was slept, in order.
    var slept: [Duration] { state.withLock { $0.slept } }

    var steady: SteadyClock {
        SteadyClock(
            now: { self.now },
            sleep: { duration in
                try Task.checkCancellation()
                self.state.withLock { $0.slept.append(duration) }
                self.advance(by: duration)
            },
            alarm: { duration in
                guard await self.wait(duration) else { throw CancellationError() }
            })
    }

    func advance(by duration: Duration) {
        let ringing = state.withLock { state in
            state.now += duration
            let due = state.alarms.filter { $0.value.deadline <= state.now }
            for number in due.keys { state.alarms[number] = nil }
            return due.values.map(\.ring)
        }
        for ring in ringing { ring.resume(returning: true) }
    }

    /// Moves time to the next alarm, once there is one.
    func ringNextAlarm() async {
        while !Task.isCancelled {
            let step = state.withLock { state in
                state.alarms.values.map(\.deadline).min().map { max(.zero, $0 - state.now) }
            }
            if let step { return advance(by: step) }
            await Task.yield()
        }
    }

    private func wait(_ duration: Duration) async -> Bool {
        let number = state.withLock { state in
            state.nextAlarm += 1
            return state.nextAlarm
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isWaiting = state.withLock { state in
                    guard !Task.isCancelled else { return false }
                    state.alarms[number] = (state.now + duration, continuation)
                    return true
                }
                if !isWaiting { continuation.resume(returning: false) }
            }
        } onCancel: {
            state.withLock { $0.alarms.removeValue(forKey: number) }?.ring.resume(returning: false)
        }
    }
}

/// What becomes of one request.
enum Step: Sendable {
    case pass
    /// Nothing happens, and the request fails.
    case fail(StoreFailure)
    /// The request takes effect, and its answer is lost.
    case applyThenFail(StoreFailure)
    /// No answer comes until the time for it is over.
    case hang
    case applyThenHang
    /// Somebody else creates the object, with these bytes, before the answer is lost.
    case othersWin([UInt8], StoreFailure)
    /// One bit of what is read is flipped.
    case flip
    /// Waits until the task is cancelled.
    case stall
}

/// Passes requests on to `base`, each as the next step of the script says; then all pass.
final class ScriptedStore: ObjectStore {
    let base: any ObjectStore
    private let clock: TestClock
    private let script: Mutex<[Step]>
    private let seen = Mutex<[String]>([])

    init(_ script: [Step], over base: any ObjectStore = MemoryStore(), clock: TestClock) {
        self.base = base
        self.clock = clock
        self.script = Mutex(script)
    }

    /// The requests that came, like "get a/b".
    var requests: [String] { seen.withLock { $0 } }
    var address: String { "test://bucket" }

    private func play<Value>(
        _ request: String, key: ObjectKey = "", _ body: () async throws(TesseraError) -> Value
    ) async throws(TesseraError) -> Value {
        seen.withLock { $0.append(request) }
        switch script.withLock({ $0.isEmpty ? .pass : $0.removeFirst() }) {
        case .pass, .flip: return try await body()
        case .fail(let failure): throw Self.error(request, failure)
        case .applyThenFail(let failure):
            _ = try await body()
            throw Self.error(request, failure)
        case .applyThenHang:
            _ = try await body()
            return try await hang()
        case .hang: return try await hang()
        case .othersWin(let bytes, let failure):
            _ = try await base.create(key, bytes)
            throw Self.error(request, failure)
        case .stall:
            while !Task.isCancelled { await Task.yield() }
            throw TesseraError(.cancelled, "stalled")
        }
    }

    private func hang<Value>() async throws(TesseraError) -> Value {
        await clock.ringNextAlarm()
        while !Task.isCancelled { await Task.yield() }
        throw TesseraError(.cancelled, "cancelled while hanging")
    }

    static func error(_ request: String, _ failure: StoreFailure) -> TesseraError {
        TesseraError(.unavailable, "cannot \(request): \(failure.detail)", cause: failure)
    }

    func get(_ key: ObjectKey, range: Range<UInt64>?) async throws(TesseraError) -> [UInt8] {
        let flips = script.withLock { if case .flip? = $0.first { true } else { false } }
        var bytes = try await play("get \(key)") { () throws(TesseraError) in
            try await base.get(key, range: range)
        }
        if flips, !bytes.isEmpty { bytes[bytes.count / 2] ^= 4 }
        return bytes
    }

    func get(
        _ key: ObjectKey, ranges: [Range<UInt64>]
    ) async throws(TesseraError) -> [[UInt8]] {
        try await play("get \(key) \(ranges.count)") { () throws(TesseraError) in
            try await base.get(key, ranges: ranges)
        }
    }

    func head(_ key: ObjectKey) async throws(TesseraError) -> ObjectInfo? {
        try await play("head \(key)") { () throws(TesseraError) in try await base.head(key) }
    }

    func list(prefix: String) async throws(TesseraError) -> [ObjectInfo] {
        try await play("list \(prefix)") { () throws(TesseraError) in
            try await base.list(prefix: prefix)
        }
    }

    func put(_ key: ObjectKey, _ bytes: [UInt8]) async throws(TesseraError) {
        try await play("put \(key)") { () throws(TesseraError) in try await base.put(key, bytes) }
    }

    func create(_ key: ObjectKey, _ bytes: [UInt8]) async throws(TesseraError) -> Bool {
        try await play("create \(key)", key: key) { () throws(TesseraError) in
            try await base.create(key, bytes)
        }
    }

    func delete(_ key: ObjectKey) async throws(TesseraError) {
        try await play("delete \(key)") { () throws(TesseraError) in try await base.delete(key) }
    }

    func delete(_ keys: [ObjectKey]) async throws(TesseraError) {
        try await play("delete \(keys)") { () throws(TesseraError) in try await base.delete(keys) }
    }

    func invalidate(_ key: ObjectKey) async {
        seen.withLock { $0.append("invalidate \(key)") }
    }

    func subfolders(of folder: String) async throws(TesseraError) -> [String] {
        try await play("subfolders \(folder)") { () throws(TesseraError) in
            try await base.subfolders(of: folder)
        }
    }

    func staleTemporaryFiles(
        prefix: String, olderThan date: Date, apply: Bool
    ) async throws(TesseraError) -> [ObjectInfo] {
        try await play("stale \(prefix) \(apply)") { () throws(TesseraError) in
            try await base.staleTemporaryFiles(prefix: prefix, olderThan: date, apply: apply)
        }
    }
}

extension StoreFailure {
    static let slowDown = StoreFailure(
        status: 503, isRetryable: true, isThrottle: true, outcomeUnknown: true,
        detail: "503 SlowDown")
    static let internalError = StoreFailure(
        status: 500, isRetryable: true, outcomeUnknown: true, detail: "500 InternalError")
    static let refused = StoreFailure(isRetryable: true, detail: "connection refused")
    static let unreachable = StoreFailure(
        isRetryable: true, isUnreachable: true, detail: "unknown host")
    static let denied = StoreFailure(status: 403, isRetryable: false, detail: "403 AccessDenied")

    static func later(_ duration: Duration) -> StoreFailure {
        StoreFailure(
            status: 429, isRetryable: true, isThrottle: true, retryAfter: duration,
            detail: "429 TooManyRequests")
    }
}

/// Jitter that always takes this share of the longest wait.
func jitter(_ share: Double) -> Jitter {
    Jitter { share }
}
