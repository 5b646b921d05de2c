// For a search whose shards are in memory in part: the same steps, each list and row from where it is.
import VectorCore

extension QueryRun {
    /// Says that a shard on offer is in memory. `view` is of the same shard, and this comes before ``beginScan(depth:refines:)``.
    package mutating func place(_ view: ShardView, slot: Int) {
        precondition(slot >= 0 && slot < slotCount, "no such shard was offered")
        let before = slots.base[slot]
        slots.base[slot] = Slot(view: view, local: before.local, start: before.start)
    }

    /// Whether the codes of a chosen list are in memory.
    package func isResident(probe index: Int) -> Bool {
        precondition(index >= 0 && index < probeCount, "no such list was chosen")
        return slots.base[probes.base[index].slot].view.codes != nil
    }

    /// Scans the next chosen list, whose codes are in memory.
    package mutating func scanResident(_ index: Int) {
        precondition(index >= 0 && index < probeCount, "no such list was chosen")
        scan(index, codes(probe: index), next: nil)
    }

    /// Points a candidate at its row in memory, after ``expectRows(of:)``. False where the row is not there.
    package mutating func useResidentRow(candidate index: Int) -> Bool {
        precondition(index >= 0 && index < candidateCount, "no such candidate")
        let candidate = candidates.base[index]
        guard let view = slots.base[candidate.slot].view.rows else { return false }
        candidates.base[index].bytes = view.row(candidate.row)
        return true
    }
}
