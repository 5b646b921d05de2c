// The user's vectors and ids as training sees them: checked, normalised where the metric asks for it, duplicates gone.
import ObjectStore
import TesseraBase
import VectorCore
import VectorIndex

/// Opened and cross-checked input. Row numbers are those of the vector file throughout.
struct TrainingInput: Sendable {
    /// (2 x 10^16)^2 times 65,536 dimensions still is a float.
    private static let largestForDistances: Float = 1e16

    let vectors: VectorFile
    let ids: ExternalIds
    let metric: Metric
    /// Rows left out because a later row has the same id, ascending.
    let dropped: [Int]
    /// Values farther from zero overflow the refine tier, or the sums of squared distances.
    private let largestMagnitude: Float

    init(_ settings: IndexSettings) throws(TesseraError) {
        vectors = try VectorFile.open(path: settings.vectorsPath)
        guard vectors.elementType != .i32 else {
            throw TesseraError(
                .invalidArgument,
                "\(settings.vectorsPath) holds 32-bit integers, as ground truth does; give vectors")
        }
        ids = try ExternalIds.open(path: settings.idsPath, vectors: vectors)
        metric = settings.metric
        largestMagnitude =
            settings.refine == .f16 ? HalfFloat.greatestFinite : Self.largestForDistances
        guard case .file(let file) = ids else {
            dropped = []
            return
        }
        dropped = try DuplicateIds(file).rowsToDrop(settings.onDuplicate)
    }

    var dimension: Int { vectors.dimension }
    /// Vectors that enter the index.
    var count: Int { vectors.rows - dropped.count }
    /// True where vectors are whole numbers of one byte and stay so.
    var isIntegral: Bool {
        !metric.normalises && (vectors.elementType == .u8 || vectors.elementType == .i8)
    }
    /// The refine tier unless one is asked for.
    var usualRefine: RefineEncoding { isIntegral ? .sq8 : .sq16 }
    /// Bytes of one vector as the file holds it.
    var rowBytes: Int { vectors.rowBytes }

    /// `most` vectors drawn without replacement, ascending by row.
    func sample(_ most: Int, seed: UInt64) throws(TesseraError) -> Matrix {
        try vectors(at: sampledRows(most, seed: seed))
    }

    /// Rows drawn without replacement among those that enter the index, ascending.
    func sampledRows(_ most: Int, seed: UInt64) -> [Int] {
        var random = SeededRandom(seed: seed, stream: 0)
        return surviving(random.sample(min(most, count), below: count))
    }

    /// The vectors of rows that enter the index, checked, and as the metric wants them.
    func vectors(at kept: [Int]) throws(TesseraError) -> Matrix {
        let matrix = try vectors.read(rows: kept)
        guard metric.normalises else {
            try requireRange(matrix) { kept[$0] }
            return matrix
        }
        var elements: [Float] = []
        elements.reserveCapacity(matrix.elements.count)
        for (index, row) in kept.enumerated() {
            // One at a time, so that a zero vector is named by its row in the file.
            var vector = Matrix(
                rows: 1, columns: dimension, elements: Array(matrix.row(index)))
            try normalise(&vector, firstRow: row, file: vectors.path)
            elements += vector.elements
        }
        return Matrix(rows: kept.count, columns: dimension, elements: elements)
    }

    /// The rows of the file behind ascending positions among the rows that enter the index.
    private func surviving(_ positions: [Int]) -> [Int] {
        var passed = 0
        return positions.map { position in
            while passed < dropped.count, dropped[passed] <= position + passed { passed += 1 }
            return position + passed
        }
    }

    /// A run of rows, decoded and checked, and their bytes as the file holds them.
    func chunk(_ rows: Range<Int>) throws(TesseraError) -> (vectors: Matrix, raw: [UInt8]) {
        let raw = try vectors.rawRows(rows)
        var matrix = try vectors.matrix(of: raw, firstRow: rows.lowerBound)
        if metric.normalises {
            try normalise(&matrix, firstRow: rows.lowerBound, file: vectors.path)
        }
        try requireRange(matrix) { rows.lowerBound + $0 }
        return (matrix, raw)
    }

    private func requireRange(_ matrix: Matrix, rowNumber: (Int) -> Int) throws(TesseraError) {
        let limit = largestMagnitude
        guard let index = matrix.elements.firstIndex(where: { abs($0) > limit }) else { return }
        throw TesseraError(
            .invalidArgument,
            "\(vectors.path): row \(rowNumber(index / dimension)), column \(index % dimension) is "
                + "\(matrix.elements[index]), beyond \(limit): "
                + (limit == HalfFloat.greatestFinite
                    ? "half floats end there; use --refine sq16" : "scale the vectors down"))
    }

    /// Spilled bytes back to vectors. They were checked when they were read first.
    func decode(_ raw: [UInt8]) throws(TesseraError) -> Matrix {
        var matrix = VectorFile.decode(
            raw: raw, elementType: vectors.elementType, dimension: dimension)
        if metric.normalises {
            try normalise(&matrix, firstRow: 0, file: vectors.path)
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

    /// Adds the lines of the id file to a digest; row numbers add nothing.
    func addIDs(to hasher: inout ContentHasher) throws(TesseraError) {
        guard case .file = ids else { return }
        var lines: [UInt8] = []
        try ids.forEach(in: 0..<ids.count) { _, id in
            for index in id.byteOffsets {
                lines.append(unsafe id.unsafeLoad(fromByteOffset: index, as: UInt8.self))
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
