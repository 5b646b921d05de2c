// The queries of one index on their way to its log: sampled on the threads that answer, kept until
// the writer takes them.
//
// Invariants: a thread that answers never waits for a disk. Memory is bounded; queries that do not
// fit are counted and dropped. Only vectors are kept.
import Synchronization
import VectorCore

/// Samples and counts the queries of one index.
final class IndexQueryLog: Sendable {
    /// Bytes of queries kept between two writes.
    static let mostWaiting = 8 << 20

    private struct Inbox {
        var queries: [[Float]] = []
        var bytes = 0
        var counts = QueryLogCounts()
    }

    let name: String
    private let share: Double
    private let seed: UInt64
    private let seen = Atomic(0)
    private let inbox = Mutex(Inbox())

    init(_ name: String, share: Double, seed: UInt64) {
        self.name = name
        self.share = share
        self.seed = seed ^ StableHash.hash(Array(name.utf8))
    }

    /// Samples answered queries: `floats` is `[queries][dimension]`, as the client sent them.
    func offer(_ floats: [Float], dimension: Int) {
        let count = floats.count / dimension
        let first = seen.add(count, ordering: .relaxed).oldValue
        let drawn = (0..<count).filter { isDrawn(first + $0) }
        guard !drawn.isEmpty else { return }
        let queries = drawn.map { Array(floats[$0 * dimension..<($0 + 1) * dimension]) }
        inbox.withLock { inbox in
            for query in queries {
                guard inbox.bytes + 4 * dimension <= Self.mostWaiting else {
                    inbox.counts.dropped += 1
                    continue
                }
                inbox.queries.append(query)
                inbox.bytes += 4 * dimension
            }
        }
    }

    /// Decides by the query's number alone, so that the order of threads does not change how many
    /// are sampled.
    private func isDrawn(_ number: Int) -> Bool {
        let drawn = SeededRandom.derive(seed, stream: UInt64(number)) >> 11
        return Double(drawn) * 0x1p-53 < share
    }

    /// Removes and returns the queries that wait.
    func take() -> [[Float]] {
        inbox.withLock { inbox in
            let queries = inbox.queries
            inbox.queries = []
            inbox.bytes = 0
            return queries
        }
    }

    /// Lets the writer count what became of the queries it took.
    func update(_ change: (inout QueryLogCounts) -> Void) {
        inbox.withLock { change(&$0.counts) }
    }

    var counts: QueryLogCounts {
        inbox.withLock { inbox in
            var counts = inbox.counts
            counts.seen = seen.load(ordering: .relaxed)
            counts.waiting += inbox.queries.count
            return counts
        }
    }
}
