// Writes a shard: codes, refine rows and ids of each list, and in the tail all that opening takes.
package import TesseraBase
package import VectorCore
package import VectorIndex

/// Everything a shard holds.
package struct ShardContents: Sendable {
    package let metric: Metric
    /// `[n][dimension]`, as the user gave them (normalised for cosine).
    package let vectors: Matrix
    package let encoded: EncodedShard
    package let refine: RefineTier
    /// The external id of each input row, UTF-8.
    package let ids: [[UInt8]]

    /// - Precondition: one id a vector, and each vector in exactly one list.
    package init(
        metric: Metric, vectors: Matrix, encoded: EncodedShard, refine: RefineTier, ids: [[UInt8]]
    ) {
        precondition(ids.count == vectors.rows, "one id a vector")
        precondition(
            encoded.lists.reduce(0) { $0 + $1.members.count } == vectors.rows, "lists hold all")
        self.metric = metric
        self.vectors = vectors
        self.encoded = encoded
        self.refine = refine
        self.ids = ids
    }
}

/// Lays a shard out. Rows are numbered list by list, in the order of each list's members.
package enum ShardWriter {
    /// Writes a shard object.
    package static func write(_ contents: ShardContents) throws(TesseraError) -> ContainerImage {
        let model = contents.encoded.model
        var directory = ByteWriter()
        var lists = ByteWriter()
        var rows = ByteWriter()
        for list in contents.encoded.lists {
            let packed = CodePacking.pack(list, shape: model.shape)
            lists.append(packed)
            directory.varint(UInt64(list.members.count))
            directory.integer(Kernels.crc32c(packed))
            directory.float(list.biasOffset)
            directory.float(list.biasStep)
            try append(list, of: contents, rows: &rows, directory: &directory)
        }
        var container = ContainerWriter(.shard)
        try container.append(.lists, lists.bytes)
        try container.append(.rows, rows.bytes)
        try container.append(.parameters, parameters(contents))
        try container.append(.centroids, centroids(model))
        try container.append(.codebooks, floats(model.codebooks.centroids))
        try container.append(.refine, floats(contents.refine.minimum + contents.refine.step))
        try container.append(.directory, directory.bytes)
        return container.finish()
    }

    /// A list's part of the rows section: its refine rows, each with its checksum, then its id
    /// blocks.
    private static func append(
        _ list: EncodedList, of contents: ShardContents, rows: inout ByteWriter,
        directory: inout ByteWriter
    ) throws(TesseraError) {
        if contents.refine.encoding != .none {
            for member in list.members {
                let row = contents.refine.encode(contents.vectors.row(member))
                rows.append(row)
                rows.integer(Kernels.crc32c(row))
            }
        }
        for start in stride(from: 0, to: list.members.count, by: IDBlock.capacity) {
            let members = list.members[start..<min(start + IDBlock.capacity, list.members.count)]
            let block = try IDBlock.encode(members.map { contents.ids[$0] })
            rows.append(block)
            directory.varint(UInt64(block.count))
        }
    }

    private static func parameters(_ contents: ShardContents) -> [UInt8] {
        let shape = contents.encoded.model.shape
        var writer = ByteWriter()
        writer.integer(UInt32(contents.vectors.columns))
        writer.integer(UInt32(shape.subquantizerCount))
        writer.integer(UInt32(shape.subdimension))
        writer.integer(UInt32(shape.bitsPerCode))
        writer.integer(contents.metric.formatCode)
        writer.integer(contents.refine.encoding.formatCode)
        writer.integer(UInt32(contents.encoded.lists.count))
        writer.integer(UInt32(contents.vectors.rows))
        return writer.bytes
    }

    private static func centroids(_ model: ShardModel) -> [UInt8] {
        var writer = ByteWriter()
        writer.floats(model.origin)
        writer.float(model.centroidStep)
        writer.append(model.centroidCodes.map { UInt8(bitPattern: $0) })
        return writer.bytes
    }

    private static func floats(_ values: [Float]) -> [UInt8] {
        var writer = ByteWriter()
        writer.floats(values)
        return writer.bytes
    }
}

extension Metric {
    /// The metric's number in the format.
    var formatCode: UInt32 {
        switch self {
        case .l2: 0
        case .innerProduct: 1
        case .cosine: 2
        }
    }
}

extension RefineEncoding {
    /// The encoding's number in the format.
    var formatCode: UInt32 {
        switch self {
        case .none: 0
        case .sq8: 1
        case .f16: 2
        case .sq16: 3
        }
    }
}
