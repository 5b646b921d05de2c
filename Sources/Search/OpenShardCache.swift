// LRU cache of opened shards, bounded in bytes.
import Synchronization

/// Holds opened shards up to a budget of bytes, and always the last one used.
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

    /// The shard if it is held; counts as a use.
    package subscript(ordinal: Int) -> OpenShard? {
        state.withLock { state in
            state.clock += 1
            state.entries[ordinal]?.used = state.clock
            return state.entries[ordinal]?.shard
        }
    }

    /// Adds a shard and evicts the least recently used ones beyond the budget.
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
