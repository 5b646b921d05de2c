// Scanning the chosen lists, nearest first, against a threshold that falls on the way.
import VectorCore

extension QueryRun {
    /// - Parameters:
    ///   - depth: candidates wanted.
    ///   - refines: they are compared again by finer rows, so that sums may be rounded to the threshold's scale.
    package mutating func beginScan(depth: Int, refines: Bool) {
        self.refines = refines
        threshold.begin(wanted: depth)
        wantedCandidates = depth
        found = 0
        tableCount = 0
        listsScanned = 0
        codesScanned = 0
        listsSkipped = 0
    }

    /// Scans every chosen list; their codes must be in memory.
    package mutating func scanResident() {
        askForFirstList()
        for index in 0..<probeCount {
            if index == probeCount - Self.listsBehindRows { askForRows() }
            scan(index, codes(probe: index), next: following(index))
        }
    }

    /// Scans the nearest lists, until the threshold falls no more; returns how many these were. The others may be scanned in any
    /// order: it makes no difference. The first is asked for before.
    mutating func scanNearest() -> Int {
        var index = 0
        while index < probeCount, index < Self.listsThatLower || !threshold.isKnown {
            scan(index, codes(probe: index), next: following(index))
            index += 1
        }
        return index
    }

    /// Whether a chosen list has vectors.
    func holdsAny(probe index: Int) -> Bool {
        let probe = probes.base[index]
        return (slots.base + probe.slot).pointee.view.lists[probe.list].count > 0
    }

    /// Of a chosen list that is in memory.
    func codes(probe index: Int) -> UnsafePointer<UInt8> {
        let probe = probes.base[index]
        let view = (slots.base + probe.slot).pointee.view
        guard let codes = view.codes else { preconditionFailure("codes must be in memory") }
        return codes + view.lists[probe.list].offset
    }

    /// The codes of the list after a chosen one.
    private func following(_ index: Int) -> UnsafePointer<UInt8>? {
        index + 1 < probeCount ? codes(probe: index + 1) : nil
    }

    /// The threshold falls over this many of the nearest lists, and on until there is one. After these it hardly falls any more, and
    /// as it stays, the other lists may be scanned in any order: in batches, each for all queries that want it.
    private static var listsThatLower: Int { 3 }

    /// Lists that are scanned while the rows of candidates so far are on their way.
    private static var listsBehindRows: Int { 3 }

    /// Asks for the first blocks of the first list: its tables are made before they are read.
    func askForFirstList() {
        guard probeCount > 0 else { return }
        let view = slots.base[probes.base[0].slot].view
        let list = view.lists[probes.base[0].list]
        guard let codes = view.codes else { return }
        let stride = ListScan.blockStride(
            subquantizers: view.subquantizers, bitsPerCode: view.bitsPerCode,
            hasBias: !metric.isInnerProduct)
        SearchKernels.prefetch(
            codes + list.offset, stride * min(Self.firstBlocks, ListScan.blockCount(list.count)))
    }

    /// As many as scans ask for ahead.
    private static var firstBlocks: Int { 6 }

    /// Scans the next chosen list, whose packed codes are `codes`.
    package mutating func scan(_ index: Int, codes: Span<UInt8>) {
        let probe = probes.base[index]
        let view = slots.base[probe.slot].view
        let stride = ListScan.blockStride(
            subquantizers: view.subquantizers, bitsPerCode: view.bitsPerCode,
            hasBias: !metric.isInnerProduct)
        precondition(
            codes.count == ListScan.blockCount(view.lists[probe.list].count) * stride,
            "the codes of the whole list expected")
        codes.withUnsafeBufferPointer { codes in
            guard let base = codes.baseAddress else { return }
            scan(index, base, next: nil)
        }
    }

    mutating func scan(
        _ index: Int, _ codes: UnsafePointer<UInt8>, next: UnsafePointer<UInt8>?
    ) {
        let probe = probes.base[index]
        let list = (slots.base + probe.slot).pointee.view.lists[probe.list]
        guard list.count > 0 else { return }
        makeTables(probe: index)
        makeRoom(list.count)
        let output = ScanOutput(rows: rows.base + found, distances: distances.base + found)
        let new = scan(probe, list, codes, next: next, output)
        guard new > 0 else { return }
        (rowSlots.base + found).update(
            repeating: UInt32(truncatingIfNeeded: probe.slot), count: new)
        found &+= new
        if threshold.isKnown {
            if index < Self.listsThatLower { threshold.count(output.distances, new) }
        } else if found >= wantedCandidates {
            setThreshold()
        }
    }

    private mutating func scan(
        _ probe: Probe, _ list: ListPlace, _ codes: UnsafePointer<UInt8>,
        next: UnsafePointer<UInt8>?, _ output: ScanOutput
    ) -> Int {
        let slot = slots.base + probe.slot
        guard var scan = slot.pointee.scan else { return 0 }
        scan.base = probe.distance + list.biasOffset + slot.pointee.tableOffset
        let room = threshold.value - scan.base
        let narrow = slot.pointee.view.bitsPerCode == 4
        // Quantized tables and the bias only add to the base; float tables may take from it.
        guard room >= 0 || !narrow else {
            listsSkipped += 1
            return 0
        }
        listsScanned &+= 1
        codesScanned &+= list.count
        scan.blocks = codes
        scan.next = next
        scan.count = list.count
        scan.firstRow = list.firstRow
        scan.biasStep = list.biasStep
        if !narrow {
            return scan.scan(
                floatTables: floatTables.base + slot.pointee.tables, threshold: threshold.value,
                output)
        }
        let tables = tables.base + slot.pointee.tables
        if refines, threshold.isKnown,
            let steps = NarrowScale(
                room: room, tableStep: slot.pointee.tableStep, biasStep: list.biasStep)
        {
            scan.tableStep = steps.unit
            return scan.scanNarrow(
                tables: tables, steps.steps, scratch: tableScratch.base, output)
        }
        let wide = WideTables(subquantizers: slot.pointee.view.subquantizers)
        wide.fill(tableScratch.base, from: tables)
        scan.tableStep = slot.pointee.tableStep * wide.unit
        return scan.scan(
            byteTables: tableScratch.base, threshold: threshold.value, output)
    }

    /// Makes the look-up tables that a chosen list is scanned with, unless they are there.
    mutating func makeTables(probe index: Int) {
        let slot = probes.base[index].slot
        if (slots.base + slot).pointee.tables < 0 { makeTables(slot) }
    }

    /// Look-up tables of the slot's shard, made when its first list is scanned.
    private mutating func makeTables(_ index: Int) {
        var slot = slots.base[index]
        let view = slot.view
        let size = view.subquantizers * view.centroidCount
        let narrow = view.bitsPerCode == 4
        let place = narrow ? 0 : tableCount
        floatTables.reserve(place + size, keeping: place)
        let scaled = scaledQuery(slot.local.shifted)
        SearchKernels.tables(
            scaled, codebooks: view.codebooks, subquantizers: view.subquantizers,
            subdimension: view.subdimension, centroids: view.centroidCount,
            into: floatTables.base + place)
        slot.tables = tableCount
        tableCount += size
        if narrow {
            let padded = SearchKernels.quantizedCount(subquantizers: view.subquantizers)
            tables.reserve(slot.tables + padded, keeping: slot.tables)
            tableScratch.reserve(32 * view.subquantizers + 64)
            (slot.tableOffset, slot.tableStep) = SearchKernels.quantize(
                floatTables.base, subquantizers: view.subquantizers,
                into: tables.base + slot.tables)
            tableCount = slot.tables + padded
        }
        slot.scan = ListScan(
            blocks: UnsafePointer(tableScratch.base), next: nil, count: 0,
            subquantizers: view.subquantizers, bitsPerCode: view.bitsPerCode,
            hasBias: !metric.isInnerProduct, firstRow: 0, base: 0, tableStep: 1, biasStep: 0)
        slots.base[index] = slot
    }

    /// The local query times what its products with codebook entries count for in a distance.
    private mutating func scaledQuery(_ local: UnsafePointer<Float>) -> UnsafePointer<Float> {
        let factor: Float = metric.isInnerProduct ? -1 : -2
        minima.reserve(paddedDimension)
        for index in 0..<paddedDimension { minima.base[index] = factor * local[index] }
        return UnsafePointer(minima.base)
    }

    private mutating func makeRoom(_ count: Int) {
        let needed = found + count + 16
        guard needed > rows.capacity || needed > distances.capacity || needed > rowSlots.capacity
        else { return }
        if threshold.isKnown { compact() }
        // Less than was needed, where some were dropped.
        let room = found + count + 16
        rows.reserve(room, keeping: found)
        distances.reserve(room, keeping: found)
        rowSlots.reserve(room, keeping: found)
    }

    /// Drops what the threshold has overtaken.
    private mutating func compact() {
        found = select(distances.base, count: found, within: threshold.value)
        for index in 0..<found {
            let place = Int(selectedIndices.base[index])
            distances.base[index] = selectedValues.base[index]
            rows.base[index] = rows.base[place]
            rowSlots.base[index] = rowSlots.base[place]
        }
    }

    /// Enough has been found for a first threshold: the last of those wanted.
    private mutating func setThreshold() {
        let last = SearchKernels.smallest(distances.base, count: found, place: wantedCandidates)
        let nearest = SearchKernels.least(distances.base, count: found)
        threshold.start(low: nearest, high: last)
        compact()
        threshold.count(distances.base, found)
    }
}

/// Steps of one list: from nothing to its room within the threshold in 254 of them.
private struct NarrowScale {
    let steps: NarrowSteps
    /// What one step is worth.
    let unit: Float

    /// Nil where the room is too small for the tables' own steps.
    init?(room: Float, tableStep: Float, biasStep: Float) {
        let wanted = tableStep * 254 * 32_768 / room
        // A coarser whole factor: the limit must not pass 254.
        guard wanted >= 1, wanted < 32_767 else { return nil }
        let factor = wanted.rounded(.down)
        unit = tableStep * 32_768 / factor
        guard unit > 0, unit.isFinite else { return nil }
        let bias = min(32_767, max(0, (biasStep / unit * 256).rounded(.toNearestOrEven)))
        steps = NarrowSteps(
            factor: Int16(factor), biasFactor: Int16(bias),
            limit: UInt8(max(0, min(254, (room / unit).rounded(.down)))))
    }
}

/// Byte tables whose sums fit 16 bits: finer than the narrow ones, for the lists that come before there is a threshold.
private struct WideTables {
    private let subquantizers: Int
    private let factor: Int

    init(subquantizers: Int) {
        self.subquantizers = subquantizers
        factor = max(1, min(255, 65_535 / subquantizers) * 32_768 / ListScan.tableSteps)
    }

    /// Steps of the quantized tables that one step of these is.
    var unit: Float { 32_768 / Float(factor) }

    func fill(_ bytes: UnsafeMutablePointer<UInt8>, from tables: UnsafePointer<Int16>) {
        SearchKernels.narrow(
            tables, subquantizers: subquantizers, factor: Int16(factor), into: bytes)
    }
}
