// Answers to queries that were asked before, bounded by bytes; off unless given a budget. Never the reason a search fails:
// what is not there is searched for.
import SearchTypes
import Synchronization

/// Keeps the answers of the queries asked last.
final class ResponseCache: Sendable {
    /// All that an answer depends on.
    struct Key: Hashable, Sendable {
        let version: Int
        let index: String
        let id: String?
        let floats: [Float]
        let k: Int
        let probeCount: Int
        let refineDepth: Int
        let probeShards: Int

        var bytes: Int { 200 + index.utf8.count + (id?.utf8.count ?? 0) + 4 * floats.count }
    }

    private struct Entry {
        let answers: [BackendAnswer]
        let bytes: Int
        var lastUse: UInt64
    }

    private struct State {
        var entries: [Key: Entry] = [:]
        /// Keys by when they were used, oldest first; those used again since are skipped.
        var uses: [(use: UInt64, key: Key)] = []
        var oldest = 0
        var clock: UInt64 = 0
        var bytes = 0
        var hits = 0
        var misses = 0
    }

    private let budget: Int
    private let state = Mutex(State())

    /// - Parameter budget: bytes of queries and answers together.
    init(budget: Int) {
        self.budget = budget
    }

    var counts: (hits: Int, misses: Int, entries: Int, bytes: Int) {
        state.withLock { ($0.hits, $0.misses, $0.entries.count, $0.bytes) }
    }

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

    /// Keeps whole answers only: what missed shards may find them next time.
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

    /// Keeps the list of uses within a few times the entries.
    private func compact(_ state: inout State) {
        guard state.uses.count > 4 * state.entries.count + 64 else { return }
        let entries = state.entries
        state.uses = state.uses[state.oldest...].filter { entries[$0.key]?.lastUse == $0.use }
        state.oldest = 0
    }
}
