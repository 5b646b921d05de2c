// Sorts rows into cells through one nameless scratch file: a partition of any size in bounded
// memory. The file is gone with the process, even after a kill.
//
// Invariants: a cell's rows are its blocks in order, then its buffer. A block is written before it
// is listed, and never written again while it is listed, so readers need the lock for the list
// alone.
import Synchronization
package import TesseraBase
import VectorCore

/// A scratch file of rows grouped by cell. Any number of threads may append and read; a cell's rows
/// come back in the order they were appended.
package final class VectorSpill: Sendable {
    /// Largest block, in bytes; larger ones do not make a disk faster.
    static let blockLimit = 256 << 10

    /// Bytes of a row's vector.
    package let rowBytes: Int
    private let file: OpenFile
    private let state: Mutex<SpillState>

    /// - Parameters:
    ///   - scratchFolder: an existing folder on a disk with room for `rows * (rowBytes + 8)` bytes.
    ///   - memoryBudget: bytes for the buffers of all cells together.
    /// - Throws: `notFound` or `unavailable` for the folder, `invalidArgument` when the budget does
    ///   not hold one row a cell.
    package init(
        scratchFolder: String, cells: Int, rowBytes: Int, memoryBudget: Int
    ) throws(TesseraError) {
        precondition(cells > 0 && rowBytes > 0, "a spill needs cells and rows")
        self.rowBytes = rowBytes
        file = try OpenFile.nameless(in: scratchFolder)
        state = Mutex(
            SpillState(
                recordBytes: rowBytes + 8, memoryBudget: memoryBudget,
                cells: [], bufferLimit: 0))
        _ = try addCells(cells)
    }

    /// The number of cells.
    package var cells: Int { state.withLock { $0.cells.count } }

    /// Adds empty cells, so that an oversized one can be split by appending its rows anew. All
    /// buffers share the budget: ``finish()`` first, or the old ones keep their larger shares.
    ///
    /// - Returns: the new cells' numbers.
    package func addCells(_ count: Int) throws(TesseraError) -> Range<Int> {
        try state.withLock { (state) throws(TesseraError) in try state.addCells(count) }
    }

    /// Appends one row to a cell.
    ///
    /// - Throws: `resourceExhausted` when the disk is full; the spill cannot be used afterwards.
    package func append(cell: Int, row: UInt64, _ raw: [UInt8]) throws(TesseraError) {
        try append(cells: [cell], rows: [row], raw)
    }

    /// Appends a batch: row i, `raw[i * rowBytes ..< (i + 1) * rowBytes]`, goes to `cells[i]`.
    package func append(
        cells: [Int], rows: [UInt64], _ raw: [UInt8]
    ) throws(TesseraError) {
        precondition(cells.count == rows.count, "each row needs a cell")
        precondition(raw.count == rows.count * rowBytes, "raw must hold the rows and no more")
        try state.withLock { (state) throws(TesseraError) in
            for (index, cell) in cells.enumerated() {
                if state.add(
                    to: cell, row: rows[index], raw[index * rowBytes..<(index + 1) * rowBytes])
                {
                    try flush(cell, &state, keepingMemory: true)
                }
            }
        }
    }

    /// Writes out all buffers and gives their memory back. More may be appended later.
    package func finish() throws(TesseraError) {
        try state.withLock { (state) throws(TesseraError) in
            for cell in state.cells.indices {
                try flush(cell, &state, keepingMemory: false)
            }
        }
    }

    /// Rows appended to a cell and not released.
    package func rows(ofCell cell: Int) -> Int {
        state.withLock { $0.cells[cell].rows }
    }

    /// All rows of a cell, in the order appended.
    package func read(cell: Int) throws(TesseraError) -> SpilledRows {
        var all = SpilledRows(rowNumbers: [], raw: [])
        let count = rows(ofCell: cell)
        all.rowNumbers.reserveCapacity(count)
        all.raw.reserveCapacity(count * rowBytes)
        try forEachBlock(ofCell: cell) { (block) throws(TesseraError) in
            all.rowNumbers += block.rowNumbers
            all.raw += block.raw
        }
        return all
    }

    /// Calls `body` with a cell's rows in order, at most 256 KiB at a time. `body` may append to
    /// other cells.
    package func forEachBlock(
        ofCell cell: Int, _ body: (SpilledRows) throws(TesseraError) -> Void
    ) throws(TesseraError) {
        let (blocks, buffer) = state.withLock { ($0.cells[cell].blocks, $0.cells[cell].buffer) }
        for block in blocks {
            let records = try file.bytes(block.count, at: block.offset)
            try body(SpilledRows(records: records, rowBytes: rowBytes))
        }
        if !buffer.isEmpty { try body(SpilledRows(records: buffer, rowBytes: rowBytes)) }
    }

    /// Forgets a cell's rows; later blocks reuse their place in the file. It must not be read at
    /// the same time.
    package func release(cell: Int) {
        state.withLock { $0.release(cell) }
    }

    /// The length of the scratch file, in bytes.
    package var fileBytes: Int { state.withLock { $0.end } }

    /// Writes a cell's buffer as a block. Its memory is kept for the next rows, or given back.
    private func flush(
        _ cell: Int, _ state: inout SpillState, keepingMemory: Bool
    ) throws(TesseraError) {
        if state.cells[cell].buffer.isEmpty { return }
        // Taken out of the state: emptied while shared, it would be copied.
        var buffer: [UInt8] = []
        swap(&buffer, &state.cells[cell].buffer)
        let place = state.place(for: buffer.count)
        do {
            try file.write(buffer, at: place.offset)
        } catch {
            state.cells[cell].buffer = buffer
            throw named(error, after: state.end)
        }
        state.commit(cell, place)
        if keepingMemory {
            buffer.removeAll(keepingCapacity: true)
            state.cells[cell].buffer = buffer
        }
    }

    /// Gives the error of a full disk the mend for a scratch folder.
    private func named(_ error: TesseraError, after bytes: Int) -> TesseraError {
        guard error.code == .resourceExhausted else { return error }
        return TesseraError(
            .resourceExhausted,
            "scratch folder \(file.path) is full after \(bytes) bytes; name a folder with more "
                + "room: --scratch DIR",
            cause: error)
    }
}
