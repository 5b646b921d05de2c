// The fourth stage of a query: its candidates, and where their refine rows are.
package import VectorCore

/// A query and its candidates. Owns its memory until ``compareCoarsely(k:)``, ``refineForCuts(k:)``
/// or ``unrefined(k:)`` consumes it; the first two need every candidate's row.
package struct Candidates: ~Copyable {
    let query: Lease<QueryMemory>
    let rerank: Lease<RerankMemory>

    package var count: Int { rerank.memory.pointee.count }
    package var counts: ScanCounts { query.memory.pointee.counts }

    /// Where a candidate is.
    package func place(_ index: Int) -> NumericID {
        precondition(index >= 0 && index < count, "no such candidate")
        return unchecked(index)
    }

    func unchecked(_ index: Int) -> NumericID {
        let candidate = rerank.memory.pointee.candidates.base[index]
        let slot = query.memory.pointee.offer.slots.base + candidate.slot
        return NumericID(shard: slot.pointee.view.ordinal, row: candidate.row)
    }

    /// Points the candidates at their rows in memory, and prefetches these. False where a shard's
    /// rows are not in memory.
    package mutating func findResidentRows() -> Bool {
        let memory = rerank.memory
        let count = count
        guard count > 0 else { return true }
        memory.pointee.prefetched.reserve(count)
        let (candidates, prefetched) = (
            memory.pointee.candidates.base, memory.pointee.prefetched.base
        )
        let slots = query.memory.pointee.offer.slots.base
        var width = 0
        for index in 0..<count {
            let candidate = candidates[index]
            guard let view = (slots + candidate.slot).pointee.view.rows else { return false }
            let row = view.row(candidate.row)
            prefetched[index] = row
            width = view.coarseWidth
            candidates[index].bytes = row
        }
        SearchKernels.prefetch(prefetched, count: count, bytes: width)
        return true
    }

    /// Makes room for rows that are read.
    package mutating func expectRows(of encoding: RefineEncoding) {
        let memory = rerank.memory
        let size = encoding.rowSize(dimension: query.memory.pointee.form.dimension)
        memory.pointee.storedRowSize = size
        memory.pointee.rowStore.reserve(count * size)
        for index in 0..<count {
            memory.pointee.candidates.base[index].bytes = UnsafePointer(
                memory.pointee.rowStore.base + index * size)
        }
    }

    /// Keeps a candidate's row that was read: the stored bytes without their checksum.
    package mutating func store(_ row: ArraySlice<UInt8>, candidate: Int) {
        let memory = rerank.memory
        let size = memory.pointee.storedRowSize
        precondition(row.count == size && candidate < count, "a whole row expected")
        let target = memory.pointee.rowStore.base + candidate * size
        for (offset, byte) in row.enumerated() { target[offset] = byte }
    }

    /// Points a candidate at its row in memory, after ``expectRows(of:)``. False where the row is
    /// not in memory.
    package mutating func useResidentRow(_ index: Int) -> Bool {
        precondition(index >= 0 && index < count, "no such candidate")
        let candidate = rerank.memory.pointee.candidates.base + index
        let slot = query.memory.pointee.offer.slots.base + candidate.pointee.slot
        guard let view = slot.pointee.view.rows else { return false }
        candidate.pointee.bytes = view.row(candidate.pointee.row)
        return true
    }

    /// The first re-rank pass: compares all candidates by the coarse parts of their rows, and
    /// prefetches what the second pass needs.
    package consuming func compareCoarsely(k: Int) -> FirstPass {
        guard count > 0 else { return FirstPass(query: query, rerank: rerank, isSplit: false) }
        let encoding = compareRows()
        guard case .sq16 = encoding else {
            return FirstPass(query: query, rerank: rerank, isSplit: false)
        }
        selectForSecondPass(k)
        return FirstPass(query: query, rerank: rerank, isSplit: true)
    }

    /// Selects the candidates of the second pass.
    private func selectForSecondPass(_ k: Int) {
        let (memory, offered) = (rerank.memory, query.memory.pointee.offer.slots.base)
        let candidates = memory.pointee.candidates.base
        let best = memory.pointee.selection.selectSmallest(
            Self.fineDepth(k: k), of: memory.pointee.distances.base, count: count,
            within: .infinity
        ) { index in
            let slot = offered + candidates[index].slot
            return NumericID(shard: slot.pointee.view.ordinal, row: candidates[index].row).rawValue
        }
        memory.pointee.fineCount = best
        prefetchFine(best)
    }

    /// Candidates of the second pass for `k` results: coarse parts confuse near neighbours only.
    static func fineDepth(k: Int) -> Int { 2 * k }

    /// Prefetches the fine parts of the rows of the first `count` selected candidates.
    func prefetchFine(_ count: Int) {
        let memory = rerank.memory
        let dimension = query.memory.pointee.form.dimension
        memory.pointee.prefetched.reserve(count)
        let (indices, prefetched) = (
            memory.pointee.selection.indices.base, memory.pointee.prefetched.base
        )
        var asked = 0
        for index in 0..<count {
            let candidate = memory.pointee.candidates.base[Int(indices[index])]
            guard let row = candidate.bytes else { continue }
            prefetched[asked] = row + dimension
            asked += 1
        }
        SearchKernels.prefetch(prefetched, count: asked, bytes: dimension)
    }

    /// Answers with the `k` nearest candidates by their codes.
    package consuming func unrefined(k: Int) -> Nearest {
        let memory = rerank.memory
        let count = count
        memory.pointee.selection.keys.reserve(count)
        for index in 0..<count {
            memory.pointee.selection.keys.base[index] = DistanceKey.make(
                memory.pointee.candidates.base[index].distance, index)
        }
        return Nearest(consume self, keys: count, k: k)
    }
}
