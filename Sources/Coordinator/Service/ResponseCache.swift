// LRU cache of whole answers, bounded in bytes, off by default. A miss falls through to a search,
// so the cache cannot fail a request.
import SearchTypes
import Synchronization

/// Keeps the answers to the most recently asked queries.
final class ResponseCache: Sendable {
    /// Everything that an answer depends on.
    struct Key: Hashable, Sendable {
        let version: Int
        let index: String
        let id: String?
        let floats: [Float]
        let k: Int
        let probeCount: Int
        let refineDepth: Int
        let probeShards: Int

        /// Estimated size in memory.
        var bytes: Int { 200 + index.utf8.count + (id?.utf8.count ?? 0) + 4 * floats.count }
    }

    /// Searches answered from the cache and not, and what it holds now.
    struct Counts: Sendable, Equatable {
        var hits = 0
        var misses = 0
        var entries = 0
        var bytes = 0
    }

    private struct Entry {
        let answers: [BackendAnswer]
        let bytes: Int
        var lastUse: UInt64
    }

    private struct State {
        var entries: [Key: Entry] = [:]
        /// Keys in the order of their uses, oldest first. An entry used again since is skipped.
        var uses: [(use: UInt64, key: Key)] = []
        var oldest = 0
        var clock: UInt64 = 0
        var bytes = 0
        var hits = 0
        var misses = 0
    }

    private let budget: Int
    private let state = Mutex(State())

    /// - Parameter budget: bytes for queries and answers together.
    init(budget: Int) {
        self.budget = budget
    }

    var counts: Counts {
        state.withLock {
            Counts(
                hits: $0.hits, misses: $0.misses, entries: $0.entries.count, bytes: $0.bytes)
        }
    }

    /// The answers kept for a key, now the most recently used ones; nil on a miss.
    func answers(_ key: Key) -> [BackendAnswer]? {
        state.withLock { state in
            guard var entry = state.entries[key] else {
                state.misses += 1
                return nil
            }
            state.hits += 1
            state.clock += 1
            entry.lastUse = state.clock
            state.entries[key] = entry
            state.uses.append((state.clock, key))
            compact(&state)
            return entry.answers
        }
    }

    /// Keeps whole answers only: a search that missed shards may reach them next time.
    func keep(_ answers: [BackendAnswer], for key: Key) {
        guard answers.allSatisfy({ $0.share >= 1 }) else { return }
        let hits = answers.reduce(0) {
            $0 + $1.answer.hits.reduce(0) { $0 + 48 + $1.id.utf8.count }
        }
        let bytes = key.bytes + hits + 300 * answers.count
        guard bytes <= budget / 8 else { return }
        state.withLock { state in
            guard state.entries[key] == nil else { return }
            state.clock += 1
            state.entries[key] = Entry(answers: answers, bytes: bytes, lastUse: state.clock)
            state.uses.append((state.clock, key))
            state.bytes += bytes
            while state.bytes > budget, state.oldest < state.uses.count {
                let (use, key) = state.uses[state.oldest]
                state.oldest += 1
                guard let entry = state.entries[key], entry.lastUse == use else { continue }
                state.entries[key] = nil
                state.bytes -= entry.bytes
            }
            compact(&state)
        }
    }

    /// Bounds the list of uses to a few times the number of entries.
    private func compact(_ state: inout State) {
        guard state.uses.count > 4 * state.entries.count + 64 else { return }
        let entries = state.entries
        state.uses = state.uses[state.oldest...].filter { entries[$0.key]?.lastUse == $0.use }
        state.oldest = 0
    }
}
