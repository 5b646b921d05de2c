// A store that counts reads, and fails or hangs on request.
package import ObjectStore
import Synchronization
package import TesseraBase
import TestSupport

/// Passes all calls to `base`; acts as a local or a remote store.
package final class WatchedStore: StoreWrapper {
    private struct State {
        var reads: [ObjectKey: Int] = [:]
        /// Number of reads before the store fails; nil for no limit.
        var remaining: Int?
        var hangs = false
    }

    package let base: any ObjectStore
    package let isLocal: Bool
    private let state = Mutex(State())

    package init(_ base: any ObjectStore, isLocal: Bool = false) {
        self.base = base
        self.isLocal = isLocal
    }

    /// Number of reads since the last call, of keys that contain `text`.
    package func takeReads(of text: String = "") -> Int {
        state.withLock { state in
            let found = state.reads.filter { $0.key.contains(text) }
            for key in found.keys { state.reads[key] = nil }
            return found.values.reduce(0, +)
        }
    }

    /// Lets `reads` more reads succeed; nil lets all succeed.
    package func fail(after reads: Int?) {
        state.withLock { $0.remaining = reads }
    }

    /// Makes reads wait until they are cancelled.
    package func hang() {
        state.withLock { $0.hangs = true }
    }

    package func get(_ key: ObjectKey, range: Range<UInt64>?) async throws(TesseraError) -> [UInt8]
    {
        try await note(key)
        return try await base.get(key, range: range)
    }

    package func get(_ key: ObjectKey, ranges: [Range<UInt64>]) async throws(TesseraError)
        -> [[UInt8]]
    {
        try await note(key)
        return try await base.get(key, ranges: ranges)
    }

    package func blockingReader(_ key: ObjectKey) throws(TesseraError) -> (any BlockingReader)? {
        isLocal ? try base.blockingReader(key) : nil
    }

    private func note(_ key: ObjectKey) async throws(TesseraError) {
        let (works, hangs) = state.withLock { state in
            state.reads[key, default: 0] += 1
            if let left = state.remaining { state.remaining = left - 1 }
            return (state.remaining.map { $0 >= 0 } ?? true, state.hangs)
        }
        if hangs {
            do { try await Task.sleep(for: .seconds(3600)) } catch {
                throw TesseraError(.cancelled, "the read was cancelled")
            }
        }
        guard works else { throw TesseraError(.unavailable, "the store broke") }
    }
}
