// The user's vectors and ids as training sees them: checked, normalised where the metric asks for
// it, duplicates gone.
import ObjectStore
import TesseraBase
import VectorCore
import VectorIndex

/// Opened and cross-checked input. Row numbers are those of the source throughout.
struct TrainingInput: Sendable {
    /// Largest magnitude whose squared distances stay finite: (2 x 10^16)^2 times 65,536 dimensions
    /// is a float.
    private static let largestForDistances: Float = 1e16
    /// Rows that are counted at once where a source does not know their number.
    private static let countedRows = 1 << 14

    private let source: any VectorSource
    private let pool: WorkPool
    /// Rows of the source.
    let rows: Int
    let ids: ExternalIDs
    let metric: Metric
    /// Rows left out because a later row has the same id, ascending.
    let dropped: [Int]
    /// Values farther from zero overflow the refine tier, or the sums of squared distances.
    private let largestMagnitude: Float

    /// Counts the rows, makes the ids readable by row, and looks for duplicates among them.
    static func open(
        _ source: any VectorSource, _ settings: IndexSettings, pool: WorkPool,
        progress: @escaping ProgressHandler
    ) async throws(TesseraError) -> TrainingInput {
        let ids: ExternalIDs
        if let known = source.ids {
            ids = known
        } else {
            ids = .spooled(
                try await IDSpool.collect(
                    source, scratchFolder: settings.scratchFolder, pool: pool, progress: progress))
        }
        let rows = try await count(source, pool)
        try ids.requireCount(rows, of: source.name)
        guard rows > 0 else {
            throw TesseraError(.invalidArgument, "\(source.name) has no vectors")
        }
        let dropped = try await pool.run { () throws(TesseraError) -> [Int] in
            if case .rowNumbers = ids { return [] }
            return try DuplicateIDs(ids).rowsToDrop(settings.onDuplicate)
        }
        return TrainingInput(
            source: source, pool: pool, rows: rows, ids: ids, metric: settings.metric,
            dropped: dropped,
            largestMagnitude: settings.refine == .f16
                ? HalfFloat.greatestFinite : largestForDistances)
    }

    private static func count(
        _ source: any VectorSource, _ pool: WorkPool
    ) async throws(TesseraError) -> Int {
        if let count = source.count { return count }
        var rows = 0
        while true {
            let batch = try await source.vectors(from: rows, atMost: countedRows, on: pool)
            guard !batch.isEmpty else { return rows }
            rows += batch.count / source.rowBytes
        }
    }

    /// The source, as errors name it.
    var name: String { source.name }
    var dimension: Int { source.dimension }
    var elementType: ElementType { source.elementType }
    /// Vectors that enter the index.
    var count: Int { rows - dropped.count }
    /// True where vectors are whole numbers of one byte and stay so.
    var isIntegral: Bool {
        !metric.normalises && (elementType == .u8 || elementType == .i8)
    }
    /// The refine tier unless one is asked for.
    var usualRefine: RefineEncoding { isIntegral ? .sq8 : .sq16 }
    /// Bytes of one vector as the source stores it.
    var rowBytes: Int { source.rowBytes }

    /// `most` vectors drawn without replacement, ascending by row.
    func sample(_ most: Int, seed: UInt64) async throws(TesseraError) -> Matrix {
        try await vectors(at: sampledRows(most, seed: seed))
    }

    /// Rows drawn without replacement among those that enter the index, ascending.
    func sampledRows(_ most: Int, seed: UInt64) -> [Int] {
        var random = SeededRandom(seed: seed, stream: 0)
        return surviving(random.sample(min(most, count), below: count))
    }

    /// The vectors of rows that enter the index, checked, and as the metric wants them.
    func vectors(at kept: [Int]) async throws(TesseraError) -> Matrix {
        let raw = try await source.vectors(at: kept, on: pool)
        return try await pool.run { () throws(TesseraError) in try checked(raw, rows: kept) }
    }

    private func checked(_ raw: [UInt8], rows kept: [Int]) throws(TesseraError) -> Matrix {
        let matrix = try finite(raw) { kept[$0] }
        guard metric.normalises else {
            try requireRange(matrix) { kept[$0] }
            return matrix
        }
        var elements: [Float] = []
        elements.reserveCapacity(matrix.elements.count)
        for (index, row) in kept.enumerated() {
            // One at a time, so that a zero vector is named by its row in the source.
            var vector = Matrix(
                rows: 1, columns: dimension, elements: Array(matrix.row(index)))
            try normalise(&vector, firstRow: row, file: name)
            elements += vector.elements
        }
        return Matrix(rows: kept.count, columns: dimension, elements: elements)
    }

    private func finite(
        _ raw: [UInt8], rowNumber: (Int) -> Int
    ) throws(TesseraError) -> Matrix {
        try VectorFile.finite(
            raw: raw, elementType: elementType, dimension: dimension, name: name,
            rowNumber: rowNumber)
    }

    /// The rows of the source behind ascending positions among the rows that enter the index.
    private func surviving(_ positions: [Int]) -> [Int] {
        var passed = 0
        return positions.map { position in
            while passed < dropped.count, dropped[passed] <= position + passed { passed += 1 }
            return position + passed
        }
    }

    /// A run of rows as the source stores them.
    func raw(_ rows: Range<Int>) async throws(TesseraError) -> [UInt8] {
        let raw = try await source.vectors(from: rows.lowerBound, atMost: rows.count, on: pool)
        guard raw.count == rows.count * rowBytes else {
            throw source.endsEarly(at: rows.lowerBound + raw.count / rowBytes)
        }
        return raw
    }

    /// A run of stored rows, decoded and checked.
    func vectors(_ rows: Range<Int>, raw: [UInt8]) throws(TesseraError) -> Matrix {
        var matrix = try finite(raw) { rows.lowerBound + $0 }
        if metric.normalises {
            try normalise(&matrix, firstRow: rows.lowerBound, file: name)
        }
        try requireRange(matrix) { rows.lowerBound + $0 }
        return matrix
    }

    private func requireRange(_ matrix: Matrix, rowNumber: (Int) -> Int) throws(TesseraError) {
        let limit = largestMagnitude
        guard let index = matrix.elements.firstIndex(where: { abs($0) > limit }) else { return }
        throw TesseraError(
            .invalidArgument,
            "\(name): row \(rowNumber(index / dimension)), column \(index % dimension) is "
                + "\(matrix.elements[index]), beyond \(limit): "
                + (limit == HalfFloat.greatestFinite
                    ? "half floats end there; use --refine sq16" : "scale the vectors down"))
    }

    /// Decodes spilled bytes, which were checked when they were first read.
    func decode(_ raw: [UInt8]) throws(TesseraError) -> Matrix {
        var matrix = VectorFile.decode(
            raw: raw, elementType: elementType, dimension: dimension)
        if metric.normalises {
            try normalise(&matrix, firstRow: 0, file: name)
        }
        return matrix
    }

    /// The rows of a chunk that enter the index, and their bytes.
    func entering(_ chunk: Range<Int>, raw: [UInt8]) -> (rows: [UInt64], raw: [UInt8]) {
        let gone = Set(dropped.filter(chunk.contains))
        let rows = chunk.filter { !gone.contains($0) }
        guard !gone.isEmpty else { return (rows.map(UInt64.init), raw) }
        let kept = rows.flatMap { row in
            raw[(row - chunk.lowerBound) * rowBytes..<(row - chunk.lowerBound + 1) * rowBytes]
        }
        return (rows.map(UInt64.init), kept)
    }

    /// Adds the ids to a digest, one a line; row numbers add nothing.
    func addIDs(to hasher: inout ContentHasher) throws(TesseraError) {
        if case .rowNumbers = ids { return }
        var lines: [UInt8] = []
        try ids.forEach(in: 0..<ids.count) { _, id in
            for index in id.byteOffsets {
                unsafe lines.append(id.unsafeLoad(fromByteOffset: index, as: UInt8.self))
            }
            lines.append(UInt8(ascii: "\n"))
            if lines.count > 1 << 20 {
                hasher.update(lines)
                lines.removeAll(keepingCapacity: true)
            }
        }
        hasher.update(lines)
    }
}
