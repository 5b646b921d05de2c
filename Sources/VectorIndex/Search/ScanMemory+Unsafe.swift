// What the scans of a query keep: look-up tables, the vectors found, and how near is near enough.
import VectorCore

/// The state of a query's scans.
struct ScanMemory: ~Copyable {
    /// Float tables of 8-bit codes, `[touched shards][M][256]`.
    var floatTables = ScratchBuffer<Float>()
    /// Quantized tables of 4-bit codes, one after another for each touched shard.
    var tables = ScratchBuffer<Int16>()
    var tableCount = 0
    var threshold = ScanThreshold()
    /// Rows, distances and slots of the vectors found.
    var rows = ScratchBuffer<UInt32>()
    var distances = ScratchBuffer<Float>()
    var slots = ScratchBuffer<UInt32>()
    var found = 0
    var refines = false
    /// Candidates wanted.
    var depth = 0

    mutating func begin(depth: Int, refines: Bool) {
        self.refines = refines
        self.depth = depth
        threshold.begin(wanted: depth)
        found = 0
        tableCount = 0
    }

    /// Makes room for the vectors of a list.
    mutating func makeRoom(_ count: Int, _ selection: inout Selection) {
        let needed = found + count + 16
        guard needed > rows.capacity || needed > distances.capacity || needed > slots.capacity
        else { return }
        if threshold.isKnown { compact(&selection) }
        // Less than was needed, where some were dropped.
        let room = found + count + 16
        rows.reserve(room, keeping: found)
        distances.reserve(room, keeping: found)
        slots.reserve(room, keeping: found)
    }

    /// Takes in `new` vectors of one slot that lie behind those found before.
    ///
    /// - Parameter lowers: the threshold falls over this list.
    mutating func take(_ new: Int, slot: Int, lowers: Bool, _ selection: inout Selection) {
        let first = distances.base + found
        (slots.base + found).update(repeating: UInt32(truncatingIfNeeded: slot), count: new)
        found &+= new
        if threshold.isKnown {
            if lowers { threshold.count(first, new) }
        } else if found >= depth {
            setThreshold(&selection)
        }
    }

    /// Drops the vectors that the threshold has overtaken.
    private mutating func compact(_ selection: inout Selection) {
        found = selection.select(distances.base, count: found, within: threshold.value)
        for index in 0..<found {
            let place = Int(selection.indices.base[index])
            distances.base[index] = selection.values.base[index]
            rows.base[index] = rows.base[place]
            slots.base[index] = slots.base[place]
        }
    }

    /// Sets the first threshold: the distance of the last candidate wanted.
    private mutating func setThreshold(_ selection: inout Selection) {
        let last = SearchKernels.smallest(distances.base, count: found, place: depth)
        let nearest = SearchKernels.least(distances.base, count: found)
        threshold.start(low: nearest, high: last)
        compact(&selection)
        threshold.count(distances.base, found)
    }
}

/// What the scans of a query did.
package struct ScanCounts: BitwiseCopyable, Sendable {
    package internal(set) var listsScanned = 0
    package internal(set) var codesScanned = 0
    /// Chosen lists that could hold nothing near enough any more.
    package internal(set) var listsSkipped = 0
    package internal(set) var rowsRefined = 0
}
