// The look-up tables that lists are scanned with: made once for each query and shard.
import VectorCore

extension Scanning {
    /// Makes the look-up tables that a chosen list is scanned with, unless they are there.
    func makeTables(_ index: Int, _ step: inout StepMemory) {
        let memory = query.memory
        let number = memory.pointee.probes.base[index].slot
        let slot = memory.pointee.offer.slots.base + number
        if slot.pointee.tables >= 0 { return }
        let view = slot.pointee.view
        let isInnerProduct = memory.pointee.form.metric.isInnerProduct
        let scaled = scale(
            slot.pointee.local.shifted, isInnerProduct: isInnerProduct,
            count: memory.pointee.form.paddedDimension, &step.selection)
        slot.pointee.tables = memory.pointee.scan.tableCount
        if view.bitsPerCode == 4 {
            makeNarrow(slot, view, scaled, &step)
        } else {
            let (place, size) = (slot.pointee.tables, view.subquantizers * view.centroidCount)
            memory.pointee.scan.floatTables.reserve(place + size, keeping: place)
            fill(memory.pointee.scan.floatTables.base + place, view, scaled)
            memory.pointee.scan.tableCount = place + size
        }
        slot.pointee.scan = ListScan(
            blocks: UnsafePointer(step.tables.base), next: nil, count: 0,
            subquantizers: view.subquantizers, bitsPerCode: view.bitsPerCode,
            hasBias: !isInnerProduct, firstRow: 0, base: 0, tableStep: 1, biasStep: 0)
    }

    /// Tables of 4-bit codes: made in floats, kept in quantized steps.
    private func makeNarrow(
        _ slot: UnsafeMutablePointer<Slot>, _ view: ShardView, _ scaled: UnsafePointer<Float>,
        _ step: inout StepMemory
    ) {
        let memory = query.memory
        let place = slot.pointee.tables
        step.floatTables.reserve(view.subquantizers * view.centroidCount)
        fill(step.floatTables.base, view, scaled)
        let padded = SearchKernels.quantizedCount(subquantizers: view.subquantizers)
        memory.pointee.scan.tables.reserve(place + padded, keeping: place)
        step.tables.reserve(32 * view.subquantizers + 64)
        (slot.pointee.tableOffset, slot.pointee.tableStep) = SearchKernels.quantize(
            step.floatTables.base, subquantizers: view.subquantizers,
            into: memory.pointee.scan.tables.base + place)
        memory.pointee.scan.tableCount = place + padded
    }

    private func fill(
        _ tables: UnsafeMutablePointer<Float>, _ view: ShardView, _ scaled: UnsafePointer<Float>
    ) {
        SearchKernels.tables(
            scaled, codebooks: view.codebooks, subquantizers: view.subquantizers,
            subdimension: view.subdimension, centroids: view.centroidCount, into: tables)
    }

    /// The local query times what its products with codebook entries count for in a distance.
    private func scale(
        _ local: UnsafePointer<Float>, isInnerProduct: Bool, count: Int,
        _ selection: inout Selection
    ) -> UnsafePointer<Float> {
        let factor: Float = isInnerProduct ? -1 : -2
        selection.minima.reserve(count)
        let scaled = selection.minima.base
        for index in 0..<count { scaled[index] = factor * local[index] }
        return UnsafePointer(scaled)
    }
}

/// Steps of one list: from nothing to its room within the threshold in 254 of them.
struct NarrowScale {
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

/// Byte tables whose sums fit 16 bits: finer than the narrow ones, for the lists that are scanned
/// before there is a threshold.
struct WideTables {
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
