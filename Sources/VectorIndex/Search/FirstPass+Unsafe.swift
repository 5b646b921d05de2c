// Between the two re-rank passes: all candidates are compared by the coarse parts of their rows.
package import VectorCore

/// A query whose candidates went through the first re-rank pass. Owns its memory until
/// ``compareWhole(k:)`` consumes it.
package struct FirstPass: ~Copyable {
    let query: Lease<QueryMemory>
    let rerank: Lease<RerankMemory>
    /// Whether rows have a fine part, which the second pass compares the best candidates by.
    let isSplit: Bool

    /// Candidates left for the second pass; 0 where the first pass has compared whole rows.
    package var fineCount: Int { rerank.memory.pointee.fineCount }

    /// Where a candidate of the second pass is.
    package func finePlace(_ index: Int) -> NumericID {
        precondition(index >= 0 && index < fineCount, "no such candidate is left")
        let number = Int(rerank.memory.pointee.selection.indices.base[index])
        let candidate = rerank.memory.pointee.candidates.base[number]
        let slot = query.memory.pointee.offer.slots.base + candidate.slot
        return NumericID(shard: slot.pointee.view.ordinal, row: candidate.row)
    }

    /// The second re-rank pass: answers with the `k` nearest candidates.
    package consuming func compareWhole(k: Int) -> Nearest {
        let (memory, isSplit) = (rerank.memory, isSplit)
        let candidates = Candidates(query: query, rerank: rerank)
        guard !isSplit else {
            let count = memory.pointee.fineCount
            candidates.compareWholeRows(count)
            return Nearest(candidates, keys: count, k: k)
        }
        let count = memory.pointee.count
        memory.pointee.selection.keys.reserve(count)
        for index in 0..<count {
            memory.pointee.selection.keys.base[index] = DistanceKey.make(
                memory.pointee.distances.base[index], index)
        }
        return Nearest(candidates, keys: count, k: k)
    }
}
