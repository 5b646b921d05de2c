// The third stage of a query: its lists are scanned, nearest first, against a threshold that falls.
import VectorCore

/// A query whose lists are being scanned. Owns its memory until ``candidates(_:)`` consumes it.
package struct Scanning: ~Copyable {
    /// The threshold falls over this many of the nearest lists, and on until there is one. After
    /// these it hardly falls, and as it stays, the other lists may be scanned in any order: in
    /// batches, each for all queries that probe it.
    private static var listsThatLower: Int { 3 }
    /// Lists that are scanned while the rows of the candidates so far are prefetched.
    private static var listsBehindRows: Int { 3 }
    /// Blocks prefetched of the first list: as many as scans prefetch ahead.
    private static var firstBlocks: Int { 6 }

    let query: Lease<QueryMemory>

    /// Lists to scan.
    package var count: Int { query.memory.pointee.probeCount }

    /// The ordinal of the shard and the number of a chosen list.
    package subscript(index: Int) -> (shard: Int, list: Int) {
        precondition(index >= 0 && index < count, "no such list was chosen")
        let memory = query.memory
        let probe = memory.pointee.probes.base[index]
        let slot = memory.pointee.offer.slots.base + probe.slot
        return (slot.pointee.view.ordinal, probe.list)
    }

    /// Scans every chosen list; their codes must be in memory.
    package mutating func scanResident(_ arena: inout QueryArena) {
        prefetchFirstList()
        let count = count
        for index in 0..<count {
            if index == count - Self.listsBehindRows { prefetchRows(&arena.step) }
            scan(index, codes(index), next: following(index), &arena.step)
        }
    }

    /// Scans the nearest lists, until the threshold stays; returns how many these were. The first
    /// is prefetched before.
    mutating func scanNearest(_ step: inout StepMemory) -> Int {
        var index = 0
        while index < count,
            index < Self.listsThatLower || !query.memory.pointee.scan.threshold.isKnown
        {
            scan(index, codes(index), next: following(index), &step)
            index += 1
        }
        return index
    }

    /// Whether a chosen list has vectors.
    func holdsAny(_ index: Int) -> Bool {
        let memory = query.memory
        let probe = memory.pointee.probes.base[index]
        return (memory.pointee.offer.slots.base + probe.slot).pointee.view.lists[probe.list].count
            > 0
    }

    /// Codes of a chosen list that is in memory.
    func codes(_ index: Int) -> UnsafePointer<UInt8> {
        let memory = query.memory
        let probe = memory.pointee.probes.base[index]
        let slot = memory.pointee.offer.slots.base + probe.slot
        guard let codes = slot.pointee.view.codes else {
            preconditionFailure("codes must be in memory")
        }
        return codes + slot.pointee.view.lists[probe.list].offset
    }

    /// The codes of the list after a chosen one.
    private func following(_ index: Int) -> UnsafePointer<UInt8>? {
        index + 1 < count ? codes(index + 1) : nil
    }

    /// Prefetches the first blocks of the first list: its tables are made before they are read.
    func prefetchFirstList() {
        let memory = query.memory
        guard count > 0 else { return }
        let probe = memory.pointee.probes.base[0]
        let slot = memory.pointee.offer.slots.base + probe.slot
        guard let codes = slot.pointee.view.codes else { return }
        let list = slot.pointee.view.lists[probe.list]
        let stride = stride(slot)
        SearchKernels.prefetch(
            codes + list.offset, stride * min(Self.firstBlocks, ListScan.blockCount(list.count)))
    }

    /// Bytes of a block of codes.
    private func stride(_ slot: UnsafeMutablePointer<Slot>) -> Int {
        ListScan.blockStride(
            subquantizers: slot.pointee.view.subquantizers,
            bitsPerCode: slot.pointee.view.bitsPerCode,
            hasBias: !query.memory.pointee.form.metric.isInnerProduct)
    }

    /// Whether the codes of a chosen list are in memory.
    package func isResident(_ index: Int) -> Bool {
        precondition(index >= 0 && index < count, "no such list was chosen")
        let memory = query.memory
        let probe = memory.pointee.probes.base[index]
        return (memory.pointee.offer.slots.base + probe.slot).pointee.view.codes != nil
    }

    /// Scans a chosen list whose codes are in memory; lists are scanned in order.
    package mutating func scanResident(_ index: Int, _ arena: inout QueryArena) {
        precondition(index >= 0 && index < count, "no such list was chosen")
        scan(index, codes(index), next: nil, &arena.step)
    }

    /// Scans a chosen list whose packed codes were read; lists are scanned in order.
    package mutating func scan(_ index: Int, codes: Span<UInt8>, _ arena: inout QueryArena) {
        precondition(index >= 0 && index < count, "no such list was chosen")
        let memory = query.memory
        let probe = memory.pointee.probes.base[index]
        let slot = memory.pointee.offer.slots.base + probe.slot
        precondition(
            codes.count
                == ListScan.blockCount(slot.pointee.view.lists[probe.list].count) * stride(slot),
            "the codes of the whole list expected")
        codes.withUnsafeBufferPointer { codes in
            guard let base = codes.baseAddress else { return }
            scan(index, base, next: nil, &arena.step)
        }
    }

    mutating func scan(
        _ index: Int, _ codes: UnsafePointer<UInt8>, next: UnsafePointer<UInt8>?,
        _ step: inout StepMemory
    ) {
        let memory = query.memory
        let probe = memory.pointee.probes.base[index]
        let slot = memory.pointee.offer.slots.base + probe.slot
        let list = slot.pointee.view.lists[probe.list]
        guard list.count > 0 else { return }
        makeTables(index, &step)
        memory.pointee.scan.makeRoom(list.count, &step.selection)
        let output = ScanOutput(
            rows: memory.pointee.scan.rows.base + memory.pointee.scan.found,
            distances: memory.pointee.scan.distances.base + memory.pointee.scan.found)
        var new = scan(probe, list, codes, next: next, output, step.tables.base)
        if let set = slot.pointee.rows { new = output.keep(new, of: set) }
        guard new > 0 else { return }
        memory.pointee.scan.take(
            new, slot: probe.slot, lowers: index < Self.listsThatLower, &step.selection)
    }

    private func scan(
        _ probe: Probe, _ list: ListPlace, _ codes: UnsafePointer<UInt8>,
        next: UnsafePointer<UInt8>?, _ output: ScanOutput, _ bytes: UnsafeMutablePointer<UInt8>
    ) -> Int {
        let memory = query.memory
        let slot = memory.pointee.offer.slots.base + probe.slot
        guard var scan = slot.pointee.scan else { return 0 }
        let threshold = memory.pointee.scan.threshold.value
        scan.base = probe.distance + list.biasOffset + slot.pointee.tableOffset
        let room = threshold - scan.base
        let narrow = slot.pointee.view.bitsPerCode == 4
        // Quantized tables and the bias only add to the base; float tables may take from it.
        guard room >= 0 || !narrow else {
            memory.pointee.counts.listsSkipped += 1
            return 0
        }
        memory.pointee.counts.listsScanned &+= 1
        memory.pointee.counts.codesScanned &+= list.count
        scan.blocks = codes
        scan.next = next
        scan.count = list.count
        scan.firstRow = list.firstRow
        scan.biasStep = list.biasStep
        if !narrow {
            return scan.scan(
                floatTables: memory.pointee.scan.floatTables.base + slot.pointee.tables,
                threshold: threshold, output)
        }
        let tables = memory.pointee.scan.tables.base + slot.pointee.tables
        if memory.pointee.scan.refines, memory.pointee.scan.threshold.isKnown,
            let steps = NarrowScale(
                room: room, tableStep: slot.pointee.tableStep, biasStep: list.biasStep)
        {
            scan.tableStep = steps.unit
            return scan.scanNarrow(tables: tables, steps.steps, scratch: bytes, output)
        }
        let wide = WideTables(subquantizers: slot.pointee.view.subquantizers)
        wide.fill(bytes, from: tables)
        scan.tableStep = slot.pointee.tableStep * wide.unit
        return scan.scan(byteTables: bytes, threshold: threshold, output)
    }
}

extension Scanning {
    /// Prefetches the coarse parts of the rows of the vectors found so far within the threshold.
    private func prefetchRows(_ step: inout StepMemory) {
        let memory = query.memory
        guard memory.pointee.scan.threshold.isKnown, memory.pointee.scan.refines else { return }
        let count = step.selection.select(
            memory.pointee.scan.distances.base, count: memory.pointee.scan.found,
            within: memory.pointee.scan.threshold.value)
        step.prefetched.reserve(count)
        let (slots, rows) = (memory.pointee.scan.slots.base, memory.pointee.scan.rows.base)
        var width = 0
        for index in 0..<count {
            let place = Int(step.selection.indices.base[index])
            let slot = memory.pointee.offer.slots.base + Int(slots[place])
            guard let view = slot.pointee.view.rows else { return }
            width = view.coarseWidth
            step.prefetched.base[index] = view.row(Int(rows[place]))
        }
        SearchKernels.prefetch(step.prefetched.base, count: count, bytes: width)
    }

    /// Picks the candidates wanted: the nearest vectors found, of equally near ones the lower
    /// places.
    package consuming func candidates(_ arena: inout QueryArena) -> Candidates {
        let memory = query.memory
        let rerank = arena.reranks.lend()
        let (slots, rows) = (memory.pointee.scan.slots.base, memory.pointee.scan.rows.base)
        let offered = memory.pointee.offer.slots.base
        let count = rerank.memory.pointee.selection.selectSmallest(
            memory.pointee.scan.depth, of: memory.pointee.scan.distances.base,
            count: memory.pointee.scan.found, within: memory.pointee.scan.threshold.value
        ) { index in
            let slot = offered + Int(slots[index])
            return NumericID(shard: slot.pointee.view.ordinal, row: Int(rows[index])).rawValue
        }
        rerank.memory.pointee.begin(count: count)
        let (indices, values) = (
            rerank.memory.pointee.selection.indices.base,
            rerank.memory.pointee.selection.values.base
        )
        for index in 0..<count {
            let place = Int(indices[index])
            rerank.memory.pointee.candidates.base[index] = RerankCandidate(
                slot: Int(slots[place]), row: Int(rows[place]), distance: values[index])
        }
        if memory.pointee.scan.refines { memory.pointee.counts.rowsRefined = count }
        return Candidates(query: query, rerank: rerank)
    }
}
