// The vectors a plan is calibrated with: drawn from a file or from the refine tier of a version,
// without the queries, and written as files for training. The vectors of a smaller scale are a
// subset of those of a larger one.
import Catalog
import Foundation
import Indexer
import Recall
import ShardFile
import TesseraBase
import VectorCore
import VectorIndex

/// A sample, shuffled once.
struct PlannerSample: Sendable {
    /// Fewest vectors: a sixteenth of fewer would say nothing about growth.
    static let smallest = 4000
    /// Fewest queries: fewer measure recall to within 0.05 at best.
    static let fewestQueries = 20
    private static let chunk = 4096
    /// A row is a query if its squared distance to it is at most this share of the query's square;
    /// a refine tier rounds rows.
    private static let same: Float = 2e-4

    private enum Source: Sendable {
        case file(VectorFile, ExternalIDs)
        case vectors(Matrix)
    }

    let name: String
    let metric: Metric
    let dimension: Int
    let queriesPath: String
    /// Row numbers of the source, shuffled.
    private let order: [Int]
    private let source: Source
    private let elementType: ElementType

    var count: Int { order.count }
    /// Bytes of one vector in its original type.
    var rowBytes: Int { dimension * elementType.size }

    /// Draws `most` vectors from a file, and the queries unless another file has them.
    init(
        path: String, idsPath: String?, queriesPath: String?, metric: Metric, most: Int,
        queries: Int, seed: UInt64, scratch: String
    ) throws(TesseraError) {
        let file = try VectorFile.open(path: path)
        source = .file(file, try ExternalIDs.open(path: idsPath, vectors: file))
        (name, self.metric, dimension) = (path, metric, file.dimension)
        elementType = file.elementType
        let rows = Self.draw(most + (queriesPath == nil ? queries : 0), of: file.rows, seed: seed)
        if let queriesPath {
            self.queriesPath = queriesPath
            order = rows
        } else {
            let held = min(queries, rows.count / 10)
            self.queriesPath = scratch + "/queries.fbin"
            order = Array(rows.dropFirst(held))
            try Self.check(rows.count - held, name)
            try VectorFileWriter.write(
                try file.read(rows: rows.prefix(held).sorted()), to: self.queriesPath)
        }
        try Self.check(order.count, name)
    }

    /// Draws for a version: from the file it was trained on, or else from its refine tier.
    init(
        _ index: IndexDescription, _ catalog: Catalog, _ set: QuerySet, path: String?,
        idsPath: String?, most: Int, seed: UInt64, scratch: String, pool: WorkPool,
        progress: @escaping ProgressHandler
    ) async throws(TesseraError) {
        metric = Metric(rawValue: index.metric) ?? .l2
        dimension = index.dimension
        elementType = ElementType(rawValue: index.elementType) ?? .f32
        queriesPath = scratch + "/queries.fbin"
        try VectorFileWriter.write(set.queries, to: queriesPath)
        var rows: [Int]
        if let path {
            let file = try VectorFile.open(path: path)
            guard file.dimension == index.dimension else {
                throw TesseraError(
                    .invalidArgument,
                    "\(path) has \(file.dimension) dimensions, index '\(index.name)' has \(index.dimension); "
                        + "give the vectors it was trained on")
            }
            source = .file(file, try ExternalIDs.open(path: idsPath, vectors: file))
            name = path
            rows = Self.draw(most, of: file.rows, seed: seed)
        } else {
            let drawn = Self.draw(most, of: index.vectors, seed: seed).sorted()
            let vectors = try await StoredTruth(index, in: catalog, pool: pool, progress: progress)
                .vectors(drawn, phase: "drawing a sample")
            source = .vectors(vectors)
            name = "the refine tier of index '\(index.name)'"
            rows = Self.draw(vectors.rows, of: vectors.rows, seed: seed)
        }
        if set.ownIDs != nil {
            let own = try Self.queriesAmong(rows, source, set.queries, metric)
            rows.removeAll { own.contains($0) }
        }
        order = rows
        try Self.check(order.count, name)
    }

    private static func check(_ count: Int, _ name: String) throws(TesseraError) {
        guard count < smallest else { return }
        throw TesseraError(
            .invalidArgument,
            "\(count) vectors of \(name) say too little about how an index grows; give at least "
                + "\(smallest) besides the queries, with --vectors and --sample")
    }

    private static func draw(_ most: Int, of all: Int, seed: UInt64) -> [Int] {
        var random = SeededRandom(seed: seed, stream: 0x706c_616e)
        var rows = random.sample(min(most, all), below: all)
        rows.shuffle(using: &random)
        return rows
    }

    /// The first rows as float32, for probes of the machine.
    func matrix(_ most: Int) throws(TesseraError) -> Matrix {
        var matrix = try Self.read(order.prefix(most).sorted(), source)
        if metric.normalises { try normalise(&matrix, firstRow: 0, file: name) }
        return matrix
    }

    /// Writes the first `count` vectors and their ids as files in `folder`.
    func write(
        _ count: Int, to folder: String
    ) throws(TesseraError) -> (vectors: String, ids: String?) {
        let suffix =
            switch elementType {
            case .u8: "u8bin"
            case .i8: "i8bin"
            default: "fbin"
            }
        let path = folder + "/vectors." + suffix
        let writer = try VectorFileWriter(path: path, dimension: dimension)
        let rows = order.prefix(count).sorted()
        for first in stride(from: 0, to: rows.count, by: Self.chunk) {
            let part = Array(rows[first..<min(first + Self.chunk, rows.count)])
            try writer.append(try Self.read(part, source))
        }
        try writer.finish()
        guard case .file(_, let ids) = source, case .file = ids else { return (path, nil) }
        var lines: [UInt8] = []
        for row in rows { lines += try ids.bytes(row) + [10] }
        let file = try OpenFile.creating(folder + "/ids.txt")
        try file.write(lines, at: 0)
        return (path, file.path)
    }

    private static func read(_ rows: [Int], _ source: Source) throws(TesseraError) -> Matrix {
        switch source {
        case .file(let file, _): try file.read(rows: rows)
        case .vectors(let matrix): matrix.gathering(rows)
        }
    }

    /// Those of `rows` that are queries.
    private static func queriesAmong(
        _ rows: [Int], _ source: Source, _ queries: Matrix, _ metric: Metric
    ) throws(TesseraError) -> Set<Int> {
        let sorted = rows.sorted()
        var exact = ExactNeighbours(queries: queries, ownIDs: nil, metric: .l2, depth: 2)
        for first in stride(from: 0, to: sorted.count, by: chunk) {
            let part = Array(sorted[first..<min(first + chunk, sorted.count)])
            var vectors = try read(part, source)
            if metric.normalises { try normalise(&vectors, firstRow: first, file: "the sample") }
            exact.add(vectors) { UInt64(part[$0]) }
        }
        var found: Set<Int> = []
        for (query, nearest) in exact.neighbours(1).enumerated() {
            let vector = queries.row(query)
            let limit = same * Kernels.dot(vector.span, vector.span)
            for row in nearest {
                var near = try read([Int(row)], source)
                if metric.normalises { try normalise(&near, firstRow: 0, file: "the sample") }
                let distance = Kernels.squaredDistance(vector.span, near.row(0).span)
                if distance <= limit { found.insert(Int(row)) }
            }
        }
        return found
    }
}
