// The second stage of a query: the lists that it will scan.
import VectorCore

/// A query and its lists, nearest first. Owns its memory until a scan consumes it.
package struct ChosenLists: ~Copyable {
    let query: Lease<QueryMemory>

    /// Lists chosen.
    package var count: Int { query.memory.pointee.probeCount }
    /// Shards that were on offer to the choice.
    package var slotCount: Int { query.memory.pointee.offer.slotCount }

    /// The slot, the shard's ordinal and the number of a chosen list.
    package subscript(index: Int) -> (slot: Int, shard: Int, list: Int) {
        precondition(index >= 0 && index < count, "no such list was chosen")
        let probe = query.memory.pointee.probes.base[index]
        let slot = query.memory.pointee.offer.slots.base + probe.slot
        return (probe.slot, slot.pointee.view.ordinal, probe.list)
    }

    /// The coarse distance of a chosen list: squared, or minus the inner product.
    package func distance(_ index: Int) -> Float {
        precondition(index >= 0 && index < count, "no such list was chosen")
        return query.memory.pointee.probes.base[index].distance
    }

    /// The query in the quantizer's dimension.
    package var transformedQuery: [Float] {
        let transformed = query.memory.pointee.form.transformed.base
        return (0..<query.memory.pointee.form.paddedDimension).map { transformed[$0] }
    }

    /// Begins to scan.
    ///
    /// - Parameters:
    ///   - depth: candidates wanted.
    ///   - refines: candidates are compared again by finer rows, so that sums may be rounded to the
    ///     threshold's scale.
    ///   - filter: rows that count; nil: all. It must live until the candidates are found.
    package consuming func beginScan(depth: Int, refines: Bool, filter: RowFilter?) -> Scanning {
        let memory = query.memory
        memory.pointee.scan.begin(depth: depth, refines: refines)
        memory.pointee.counts = ScanCounts()
        if let filter {
            for index in 0..<slotCount {
                let slot = memory.pointee.offer.slots.base + index
                slot.pointee.rows = filter.words(
                    shard: slot.pointee.view.ordinal, rowCount: slot.pointee.view.rowCount)
            }
        }
        return Scanning(query: query)
    }

    /// Takes candidates found by a scan elsewhere, as the distances the kernels work with.
    ///
    /// - Precondition: slots and rows are in range.
    package consuming func take(
        _ found: [(slot: Int, row: Int, distance: Float)], _ arena: inout QueryArena
    ) -> Candidates {
        precondition(found.allSatisfy { $0.slot < slotCount }, "no such shard was offered")
        query.memory.pointee.counts = ScanCounts()
        let rerank = arena.reranks.lend()
        rerank.memory.pointee.begin(count: found.count)
        for (index, candidate) in found.enumerated() {
            rerank.memory.pointee.candidates.base[index] = RerankCandidate(
                slot: candidate.slot, row: candidate.row, distance: candidate.distance)
        }
        return Candidates(query: query, rerank: rerank)
    }

    /// Ends a query of which only the choice was wanted.
    package consuming func finish(_ arena: inout QueryArena) {
        arena.queries.takeBack(query)
    }
}
