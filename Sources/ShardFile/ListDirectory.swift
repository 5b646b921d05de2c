// Reads a shard's fixed parameters and its list directory, and checks both.
import TesseraBase
import VectorCore
import VectorIndex

/// The parameters section of a shard, within limits.
struct ShardParameters {
    static let largestDimension = 65_536
    static let largestListCount = 1 << 20

    let dimension: Int
    let shape: ProductQuantizerShape
    let metric: Metric
    let refine: RefineEncoding
    let listCount: Int
    let vectorCount: Int

    init(_ bytes: [UInt8], name: String) throws(TesseraError) {
        var reader = ByteReader(bytes, what: "parameters of \(name)")
        dimension = Int(try reader.integer(UInt32.self))
        let subquantizers = Int(try reader.integer(UInt32.self))
        let subdimension = Int(try reader.integer(UInt32.self))
        let bits = Int(try reader.integer(UInt32.self))
        let metricCode = try reader.integer(UInt32.self)
        let refineCode = try reader.integer(UInt32.self)
        listCount = Int(try reader.integer(UInt32.self))
        vectorCount = Int(try reader.integer(UInt32.self))
        try reader.finish()
        let (padded, overflow) = subquantizers.multipliedReportingOverflow(by: subdimension)
        guard !overflow, (1...Self.largestDimension).contains(dimension),
            bits == 4 || bits == 8, subquantizers > 0, subquantizers * bits % 8 == 0,
            padded >= dimension, padded <= 2 * Self.largestDimension,
            (1...Self.largestListCount).contains(listCount), vectorCount > 0,
            let metric = Metric.allCases.first(where: { $0.formatCode == metricCode }),
            let refine = RefineEncoding.allCases.first(where: { $0.formatCode == refineCode })
        else {
            throw TesseraError(.corrupted, "\(name) has impossible parameters")
        }
        shape = ProductQuantizerShape(
            subquantizerCount: subquantizers, subdimension: subdimension, bitsPerCode: bits)
        self.metric = metric
        self.refine = refine
    }
}

/// The directory section: for each list its size, checksum, bias scale and the lengths of its id
/// blocks.
enum ListDirectory {
    static func read(_ container: ContainerReader, _ parameters: ShardParameters, name: String)
        throws(TesseraError) -> ([ListEntry], [Range<UInt64>])
    {
        var cursor = Cursor(
            reader: ByteReader(
                try container.tailSection(.directory), what: "directory of \(name)"),
            codes: try container.section(.lists).range.lowerBound,
            rows: try container.section(.rows).range.lowerBound)
        for _ in 0..<parameters.listCount {
            try cursor.readList(parameters, name: name)
        }
        try cursor.reader.finish()
        guard cursor.row == parameters.vectorCount,
            cursor.codes == (try container.section(.lists).range.upperBound),
            cursor.rows == (try container.section(.rows).range.upperBound)
        else {
            throw TesseraError(.corrupted, "\(name): the directory does not fit its sections")
        }
        return (cursor.lists, cursor.idBlocks)
    }

    /// Positions reached so far in the parts that the directory describes.
    private struct Cursor {
        var reader: ByteReader
        var codes: UInt64
        var rows: UInt64
        var row = 0
        var lists: [ListEntry] = []
        var idBlocks: [Range<UInt64>] = []

        mutating func readList(_ parameters: ShardParameters, name: String) throws(TesseraError) {
            let count = try reader.varint()
            guard count <= UInt64(parameters.vectorCount - row) else {
                throw TesseraError(.corrupted, "\(name): the lists hold more than the shard")
            }
            let checksum = try reader.integer(UInt32.self)
            let offset = try reader.float()
            let step = try reader.float()
            let stride = ListScan.blockStride(
                subquantizers: parameters.shape.subquantizerCount,
                bitsPerCode: parameters.shape.bitsPerCode,
                hasBias: parameters.metric != .innerProduct)
            let codeBytes = UInt64(ListScan.blockCount(Int(count)) * stride)
            lists.append(
                ListEntry(
                    firstRow: row, count: Int(count), codes: codes..<codes + codeBytes,
                    checksum: checksum, biasOffset: offset, biasStep: step, refineOffset: rows,
                    firstIDBlock: idBlocks.count))
            codes += codeBytes
            row += Int(count)
            try readRows(parameters, count: Int(count), name: name)
        }

        private mutating func readRows(
            _ parameters: ShardParameters, count: Int, name: String
        ) throws(TesseraError) {
            rows +=
                UInt64(count) * parameters.refine.storedRowSize(dimension: parameters.dimension)
            for _ in 0..<(count + IDBlock.capacity - 1) / IDBlock.capacity {
                let length = try reader.varint()
                guard length < 1 << 20 else {
                    throw TesseraError(.corrupted, "\(name): an id block is impossibly long")
                }
                idBlocks.append(rows..<rows + length)
                rows += length
            }
        }
    }
}
