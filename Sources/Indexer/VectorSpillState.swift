// The bookkeeping of a spill, without any I/O: what is buffered, and where in the file blocks are.
import TesseraBase

/// Rows read back from a spill.
package struct SpilledRows: Sendable, Equatable {
    package var rowNumbers: [UInt64]
    /// `[rowNumbers.count][rowBytes]`, as they were appended.
    package var raw: [UInt8]

    package init(rowNumbers: [UInt64], raw: [UInt8]) {
        self.rowNumbers = rowNumbers
        self.raw = raw
    }
}

/// A stretch of the scratch file, in bytes.
struct SpillPlace {
    let offset: Int
    /// Bytes used.
    var count: Int
    /// Bytes reserved.
    let room: Int
}

/// One cell: its blocks in the file, in order, and its rows not yet written.
struct SpillCell {
    var blocks: [SpillPlace] = []
    var buffer: [UInt8] = []
    var rows = 0
}

/// What the lock of a ``VectorSpill`` guards.
struct SpillState {
    /// The row number, 8 bytes little-endian, and the row.
    let recordBytes: Int
    let memoryBudget: Int
    var cells: [SpillCell]
    /// Bytes a cell's buffer may have: whole records, at most a block.
    var bufferLimit: Int
    /// Places of released blocks.
    private var free: [SpillPlace] = []
    private(set) var end = 0

    init(recordBytes: Int, memoryBudget: Int, cells: [SpillCell], bufferLimit: Int) {
        self.recordBytes = recordBytes
        self.memoryBudget = memoryBudget
        self.cells = cells
        self.bufferLimit = bufferLimit
    }

    mutating func addCells(_ count: Int) throws(TesseraError) -> Range<Int> {
        let total = cells.count + count
        guard memoryBudget / total >= recordBytes else {
            throw TesseraError(
                .invalidArgument,
                "a memory budget of \(memoryBudget) bytes is too small to sort rows of "
                    + "\(recordBytes) bytes into \(total) cells: give at least "
                    + "\(total * recordBytes) bytes")
        }
        let share = min(VectorSpill.blockLimit, memoryBudget / total)
        bufferLimit = max(1, share / recordBytes) * recordBytes
        defer { cells += [SpillCell](repeating: SpillCell(), count: count) }
        return cells.count..<total
    }

    /// Buffers a row. True when the buffer is full and must be flushed.
    mutating func add(to cell: Int, row: UInt64, _ raw: ArraySlice<UInt8>) -> Bool {
        cells[cell].appendRecord(row, raw, capacity: bufferLimit)
        return cells[cell].buffer.count + recordBytes > bufferLimit
    }

    /// A place for a block: one released before, or the end of the file.
    func place(for count: Int) -> SpillPlace {
        if let reused = free.last, reused.room >= count {
            return SpillPlace(offset: reused.offset, count: count, room: reused.room)
        }
        return SpillPlace(offset: end, count: count, room: count)
    }

    /// Lists a block written at `place` as the cell's last.
    mutating func commit(_ cell: Int, _ place: SpillPlace) {
        if place.offset == end { end += place.count } else { free.removeLast() }
        cells[cell].blocks.append(place)
    }

    mutating func release(_ cell: Int) {
        // The last blocks of cells are short: their places would block the stack for the full ones.
        free += cells[cell].blocks.filter { $0.room >= bufferLimit }
        cells[cell] = SpillCell()
    }
}

extension SpillCell {
    mutating func appendRecord(_ row: UInt64, _ raw: ArraySlice<UInt8>, capacity: Int) {
        if buffer.isEmpty { buffer.reserveCapacity(capacity) }
        unsafe withUnsafeBytes(of: row.littleEndian) { unsafe buffer.append(contentsOf: $0) }
        buffer += raw
        rows += 1
    }
}

extension SpilledRows {
    /// Splits records into row numbers and vectors.
    init(records: [UInt8], rowBytes: Int) {
        let recordBytes = rowBytes + 8
        let count = records.count / recordBytes
        var rowNumbers: [UInt64] = []
        var raw: [UInt8] = []
        rowNumbers.reserveCapacity(count)
        raw.reserveCapacity(count * rowBytes)
        for start in stride(from: 0, to: count * recordBytes, by: recordBytes) {
            var row: UInt64 = 0
            for index in 0..<8 { row |= UInt64(records[start + index]) << UInt64(index * 8) }
            rowNumbers.append(row)
            raw += records[start + 8..<start + recordBytes]
        }
        self.init(rowNumbers: rowNumbers, raw: raw)
    }
}
