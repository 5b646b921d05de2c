// The last stage of a query: its answer.
import VectorCore

/// The answer of a query. Owns its memory until ``finish(_:)`` gives it back to the arena.
package struct Nearest: ~Copyable {
    private let query: Lease<QueryMemory>
    private let rerank: Lease<RerankMemory>

    /// The nearest vectors, nearest first, ties to the lower place.
    package var candidates: [Candidate] { query.memory.pointee.nearest }
    /// Candidates that were compared by whole rows in a second pass.
    package var fineCount: Int { rerank.memory.pointee.fineCount }
    package var counts: ScanCounts { query.memory.pointee.counts }
    /// After ``Candidates/refineForCuts(k:)``: what it takes to cut the candidates later.
    package var cuts: CutEstimates { query.memory.pointee.cuts }
    /// Shards that were on offer.
    package var slotCount: Int { query.memory.pointee.offer.slotCount }

    /// Shards of which a list was scanned.
    package var touchedCount: Int {
        let slots = query.memory.pointee.offer.slots.base
        var touched = 0
        for slot in 0..<slotCount where slots[slot].isTouched { touched += 1 }
        return touched
    }

    /// Gives the memory back.
    package consuming func finish(_ arena: inout QueryArena) {
        arena.reranks.takeBack(rerank)
        arena.queries.takeBack(query)
    }

    /// Takes an answer that is in the query's memory.
    init(_ stage: consuming Candidates) {
        query = stage.query
        rerank = stage.rerank
    }

    /// Answers with the `k` nearest of the first `count` keys of the selection, ties to the lower
    /// place.
    init(_ stage: consuming Candidates, keys count: Int, k: Int) {
        let memory = stage.rerank.memory
        memory.pointee.selection.sortKeys(count)
        if count > k { stage.putTiesInOrder(count, k) }
        let sorted = memory.pointee.selection.sorted.base
        let answer = stage.query.memory
        answer.pointee.nearest.removeAll(keepingCapacity: true)
        for index in 0..<min(count, k) {
            answer.pointee.nearest.append(
                Candidate(
                    distance: DistanceKey.distance(sorted[index]),
                    id: stage.unchecked(DistanceKey.number(sorted[index])).rawValue))
        }
        // A handful, and nearly sorted.
        answer.pointee.nearest.sortByInsertion()
        self.init(stage)
    }
}

extension Candidates {
    /// Puts equal distances about the k-th sorted key in the order of their places.
    fileprivate func putTiesInOrder(_ count: Int, _ k: Int) {
        let sorted = rerank.memory.pointee.selection.sorted.base
        let last = DistanceKey.distance(sorted[k - 1])
        var end = k
        while end < count, DistanceKey.distance(sorted[end]) == last { end += 1 }
        guard end > k else { return }
        var first = k - 1
        while first > 0, DistanceKey.distance(sorted[first - 1]) == last { first -= 1 }
        orderByPlace(first..<end, last)
    }

    /// Puts sorted keys of one distance in the order of their places.
    func orderByPlace(_ range: Range<Int>, _ distance: Float) {
        let sorted = rerank.memory.pointee.selection.sorted.base
        let tied = range.map { number -> (place: UInt64, number: Int) in
            let number = DistanceKey.number(sorted[number])
            return (unchecked(number).rawValue, number)
        }.sorted { $0.place < $1.place }
        for (offset, tie) in tied.enumerated() {
            sorted[range.lowerBound + offset] = DistanceKey.make(distance, tie.number)
        }
    }
}

extension [Candidate] {
    fileprivate mutating func sortByInsertion() {
        guard count <= 64 else { return sort() }
        for index in indices.dropFirst() {
            let candidate = self[index]
            var place = index
            while place > 0, candidate < self[place - 1] {
                self[place] = self[place - 1]
                place -= 1
            }
            self[place] = candidate
        }
    }
}
