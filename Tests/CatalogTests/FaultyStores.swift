// Stores that fail on command, and that let something else happen in the middle.
import Foundation
import ObjectStore
import Synchronization
import TesseraBase
import TestSupport

/// Passes everything on until a writing or reading call is due to fail; from then on all fail, as
/// after a kill.
struct FaultyStore: ObjectStore {
    enum Fault: Sendable {
        /// The call and all after it do nothing and throw.
        case killBefore
        /// The call takes effect, then it and all after it throw.
        case killAfter
        /// Only creates fail, after taking effect: their answer is lost.
        case loseCreate
        /// Only creates fail, without effect.
        case refuseCreate
    }

    let base: any ObjectStore
    let fault: Fault
    /// Calls that still work.
    let remaining: SharedCounter

    init(_ base: any ObjectStore, _ fault: Fault, after calls: Int = 0) {
        self.base = base
        self.fault = fault
        remaining = SharedCounter(calls)
    }

    var address: String { base.address }
    /// Whether the fault came to pass.
    var hasFailed: Bool { remaining.value < 0 }

    private static var broken: TesseraError { TesseraError(.unavailable, "the store broke") }

    private func run<Value>(
        isCreate: Bool = false, _ call: () async throws(TesseraError) -> Value
    ) async throws(TesseraError) -> Value {
        switch fault {
        case .loseCreate, .refuseCreate:
            guard isCreate else { return try await call() }
            if fault == .loseCreate { _ = try await call() }
            throw Self.broken
        case .killBefore, .killAfter:
            let left = remaining.decrement()
            if left > 0 { return try await call() }
            if left == 0, fault == .killAfter { _ = try await call() }
            throw Self.broken
        }
    }

    func get(_ key: ObjectKey, range: Range<UInt64>?) async throws(TesseraError) -> [UInt8] {
        try await run { () throws(TesseraError) in try await base.get(key, range: range) }
    }

    func get(
        _ key: ObjectKey, ranges: [Range<UInt64>]
    ) async throws(TesseraError) -> [[UInt8]] {
        try await run { () throws(TesseraError) in try await base.get(key, ranges: ranges) }
    }

    func head(_ key: ObjectKey) async throws(TesseraError) -> ObjectInfo? {
        try await run { () throws(TesseraError) in try await base.head(key) }
    }

    func list(prefix: String) async throws(TesseraError) -> [ObjectInfo] {
        try await run { () throws(TesseraError) in try await base.list(prefix: prefix) }
    }

    func put(_ key: ObjectKey, _ bytes: [UInt8]) async throws(TesseraError) {
        try await run { () throws(TesseraError) in try await base.put(key, bytes) }
    }

    func create(_ key: ObjectKey, _ bytes: [UInt8]) async throws(TesseraError) -> Bool {
        try await run(isCreate: true) { () throws(TesseraError) in
            try await base.create(key, bytes)
        }
    }

    func delete(_ key: ObjectKey) async throws(TesseraError) {
        try await run { () throws(TesseraError) in try await base.delete(key) }
    }
}

/// A counter that threads share.
final class SharedCounter: Sendable {
    private let count: Mutex<Int>

    init(_ count: Int) {
        self.count = Mutex(count)
    }

    var value: Int { count.withLock { $0 } }

    /// The value before.
    func decrement() -> Int {
        count.withLock {
            $0 -= 1
            return $0 + 1
        }
    }
}

/// Runs something once, at the first read of a key with a prefix: another process in the middle of
/// ours.
struct InterruptedStore: StoreWrapper {
    let base: any ObjectStore
    let prefix: String
    let once = SharedCounter(1)
    let interrupt: @Sendable () async throws -> Void

    func get(_ key: ObjectKey, range: Range<UInt64>?) async throws(TesseraError) -> [UInt8] {
        if key.hasPrefix(prefix), once.decrement() == 1 {
            do { try await interrupt() } catch {
                throw TesseraError(.unavailable, "interrupt", cause: error)
            }
        }
        return try await base.get(key, range: range)
    }
}
