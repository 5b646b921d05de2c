// Streams every vector once: checks it, finds its cell, spills it there, compares it with the
// queries that recall is measured by, and computes the digest of the input.
import ObjectStore
import TesseraBase
import VectorCore
import VectorIndex

/// Sorts the input into cells, chunk by chunk; chunks are computed at the same time and spilled in
/// order.
struct CellAssigner: Sendable {
    private static let chunkBytes = 16 << 20

    let input: TrainingInput
    let backend: any IndexBackend
    let pool: WorkPool
    let progress: ProgressHandler

    /// Rule that assigns rows to cells.
    enum Rule: Sendable {
        /// The nearest of these centroids.
        case nearest(Matrix)
        /// This many runs of the input, of almost equal length.
        case inputOrder(cells: Int)

        var cells: Int {
            switch self {
            case .nearest(let centroids): centroids.rows
            case .inputOrder(let cells): cells
            }
        }
    }

    /// - Parameter truth: sees every vector that enters the index, with its row for an id.
    /// - Returns: SHA-256 over all vectors as the source stores them, then all ids but row numbers,
    ///   a line each.
    func run(
        _ rule: Rule, into spill: VectorSpill, truth: inout ExactNeighbours?
    ) async throws(TesseraError) -> ContentDigest {
        let unseen = truth
        let rows = input.rows
        let chunkRows = max(1, Self.chunkBytes / (4 * input.dimension))
        let chunks = stride(from: 0, to: rows, by: chunkRows).map { $0..<min($0 + chunkRows, rows) }
        var hasher = ContentHasher()
        var kept = 0
        for start in stride(from: 0, to: chunks.count, by: pool.width) {
            let group = Array(chunks[start..<min(start + pool.width, chunks.count)])
            let results = try await pool.map(group) { chunk throws(TesseraError) in
                let raw = try await input.raw(chunk)
                return try await pool.run { () throws(TesseraError) in
                    try assign(chunk, raw, rule, unseen)
                }
            }
            for (chunk, result) in zip(group, results) {
                hasher.update(result.raw)
                if let seen = result.truth { truth?.merge(seen) }
                let entering = input.entering(chunk, raw: result.raw)
                let cells = entering.rows.indices.map { index in
                    result.labels.map { Int($0[Int(entering.rows[index]) - chunk.lowerBound]) }
                        ?? (kept + index) * rule.cells / input.count
                }
                try spill.append(cells: cells, rows: entering.rows, entering.raw)
                kept += cells.count
                progress(
                    ProgressUpdate(
                        phase: "assigning", completed: chunk.upperBound, total: rows,
                        unit: "vectors"))
            }
        }
        try spill.finish()
        try input.addIDs(to: &hasher)
        return hasher.finish()
    }

    private struct Chunk: Sendable {
        let raw: [UInt8]
        let labels: [UInt32]?
        let truth: ExactNeighbours?
    }

    private func assign(
        _ rows: Range<Int>, _ raw: [UInt8], _ rule: Rule, _ unseen: ExactNeighbours?
    ) throws(TesseraError) -> Chunk {
        let vectors = try input.vectors(rows, raw: raw)
        var truth = unseen
        let gone = Set(input.dropped.filter(rows.contains))
        truth?.add(vectors) { index in
            let row = rows.lowerBound + index
            return gone.contains(row) ? nil : UInt64(row)
        }
        guard case .nearest(let centroids) = rule, centroids.rows > 1 else {
            return Chunk(raw: raw, labels: nil, truth: truth)
        }
        return Chunk(
            raw: raw, labels: try backend.assign(vectors, to: centroids).labels, truth: truth)
    }
}
