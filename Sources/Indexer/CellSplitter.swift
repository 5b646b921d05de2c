// Enforces the bound that no shard exceeds 1.5 x its target, for any vectors.
import TesseraBase
import VectorCore
import VectorIndex

/// Splits oversized cells by re-spilling them into new ones.
struct CellSplitter: Sendable {
    private static let sampleRows = 65_536
    private static let iterations = 12

    let input: TrainingInput
    let backend: any IndexBackend
    let target: Int
    let seed: UInt64

    var largest: Int { AutomaticParameters.largestShard(target: target) }

    /// Splits until every cell fits; returns the cells that hold vectors, in ascending number.
    func split(_ spill: VectorSpill) throws(TesseraError) -> [Int] {
        var waiting = Array(0..<spill.cells)
        var done: [Int] = []
        while let cell = waiting.popLast() {
            let rows = spill.rows(ofCell: cell)
            if rows > largest {
                waiting += try split(cell, rows: rows, spill)
            } else if rows > 0 {
                done.append(cell)
            }
        }
        return done.sorted()
    }

    private func split(_ cell: Int, rows: Int, _ spill: VectorSpill) throws(TesseraError) -> [Int] {
        let parts = max(2, (rows + target - 1) / target)
        let centroids = try centroids(of: cell, parts: parts, spill)
        let fresh = try spill.addCells(parts)
        try spill.forEachBlock(ofCell: cell) { block throws(TesseraError) in
            let labels = try backend.assign(input.decode(block.raw), to: centroids).labels
            try spill.append(
                cells: labels.map { fresh.lowerBound + Int($0) }, rows: block.rowNumbers, block.raw)
        }
        spill.release(cell: cell)
        try spill.finish()
        // Clustering cannot split vectors that are almost all alike: distribute them in input
        // order.
        var cells: [Int] = []
        for part in fresh {
            let isStuck = spill.rows(ofCell: part) > rows * 9 / 10
            cells += isStuck ? try deal(part, spill) : part..<part + 1
        }
        return cells
    }

    private func deal(_ cell: Int, _ spill: VectorSpill) throws(TesseraError) -> Range<Int> {
        let rows = spill.rows(ofCell: cell)
        let parts = (rows + target - 1) / target
        let fresh = try spill.addCells(parts)
        var position = 0
        try spill.forEachBlock(ofCell: cell) { block throws(TesseraError) in
            let cells = block.rowNumbers.indices.map { index in
                fresh.lowerBound + (position + index) * parts / rows
            }
            try spill.append(cells: cells, rows: block.rowNumbers, block.raw)
            position += cells.count
        }
        spill.release(cell: cell)
        try spill.finish()
        return fresh
    }

    /// Centroids trained on the first block rows that fit a sample.
    private func centroids(of cell: Int, parts: Int, _ spill: VectorSpill) throws(TesseraError)
        -> Matrix
    {
        var random = SeededRandom(seed: seed, stream: UInt64(cell) &+ 1 << 32)
        let rows = spill.rows(ofCell: cell)
        let chosen = random.sample(min(Self.sampleRows, rows), below: rows)
        var next = chosen[...]
        var position = 0
        var elements: [Float] = []
        try spill.forEachBlock(ofCell: cell) { block throws(TesseraError) in
            let vectors = try input.decode(block.raw)
            while let row = next.first, row < position + vectors.rows {
                elements += vectors.row(row - position)
                next.removeFirst()
            }
            position += vectors.rows
        }
        let sample = Matrix(
            rows: chosen.count, columns: input.dimension, elements: elements)
        return try backend.trainCentroids(
            sample, count: min(parts, sample.rows), iterations: Self.iterations,
            seed: seed &+ UInt64(cell))
    }
}
