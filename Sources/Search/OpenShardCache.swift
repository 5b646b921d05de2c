// Opened shards that a search keeps, least recently used out first.
import Synchronization

/// Holds opened shards up to a number of bytes.
package final class OpenShardCache: Sendable {
    private struct Entry {
        let shard: OpenShard
        var used: UInt64
    }

    private struct State {
        var entries: [Int: Entry] = [:]
        var bytes = 0
        var clock: UInt64 = 0
    }

    private let budget: Int
    private let state = Mutex(State())

    package init(budget: Int) {
        self.budget = budget
    }

    /// Bytes of all shards held.
    package var bytes: Int { state.withLock { $0.bytes } }

    package subscript(ordinal: Int) -> OpenShard? {
        state.withLock { state in
            state.clock += 1
            state.entries[ordinal]?.used = state.clock
            return state.entries[ordinal]?.shard
        }
    }

    package func insert(_ shard: OpenShard) {
        state.withLock { state in
            state.clock += 1
            if state.entries[shard.ordinal] == nil { state.bytes += shard.bytes }
            state.entries[shard.ordinal] = Entry(shard: shard, used: state.clock)
            while state.bytes > budget, state.entries.count > 1,
                let oldest = state.entries.min(by: { $0.value.used < $1.value.used })
            {
                state.entries[oldest.key] = nil
                state.bytes -= oldest.value.shard.bytes
            }
        }
    }
}
