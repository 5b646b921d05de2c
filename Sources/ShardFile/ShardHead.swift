// An opened shard: everything but the codes, rows and ids themselves, and where in the object those
// are.
package import TesseraBase
package import VectorCore
package import VectorIndex

/// One inverted list of an opened shard.
package struct ListEntry: Sendable, Equatable {
    package let firstRow: Int
    package let count: Int
    /// Range of its packed codes in the object.
    package let codes: Range<UInt64>
    let checksum: UInt32
    package let biasOffset: Float
    package let biasStep: Float
    /// Offset of its refine rows in the object.
    let refineOffset: UInt64
    /// Index of its first id block.
    let firstIDBlock: Int
}

/// A shard's parameters, model and directory.
package struct ShardHead: Sendable {
    package let name: String
    package let dimension: Int
    package let metric: Metric
    package let vectorCount: Int
    package let model: ShardModel
    package let refine: RefineTier
    package let lists: [ListEntry]
    /// Range of each id block in the object.
    let idBlocks: [Range<UInt64>]
    /// Bytes of the whole object.
    package let size: UInt64

    package var hasBias: Bool { metric != .innerProduct }

    /// Bytes of all packed codes, including bias bytes and the padding of last blocks.
    package var codeBytes: Int { lists.reduce(0) { $0 + $1.codes.count } }

    /// Opens a shard from exactly its `open` range.
    ///
    /// - Throws: `corrupted` where anything does not fit, `unsupported` for a newer format.
    package init(tail: [UInt8], name: String) throws(TesseraError) {
        try self.init(
            container: ContainerReader(tail: tail, kind: .shard, name: name), name: name)
    }

    /// Checks every byte of a whole shard, down to each list, row and id block.
    package static func verify(_ object: [UInt8], name: String) throws(TesseraError) -> ShardHead {
        let container = try ContainerReader.verify(object, kind: .shard, name: name)
        let head = try ShardHead(container: container, name: name)
        for list in head.lists.indices {
            let range = head.lists[list].codes
            try head.check(codes: object[Int(range.lowerBound)..<Int(range.upperBound)], of: list)
        }
        for row in stride(from: 0, to: head.vectorCount, by: 1) {
            if let range = head.refineRange(row: row) {
                _ = try head.refineRow(
                    object[Int(range.lowerBound)..<Int(range.upperBound)], row: row)
            }
            let place = head.idPlace(row: row)
            if place.index == 0 {
                _ = try head.ids(
                    Array(object[Int(place.range.lowerBound)..<Int(place.range.upperBound)]),
                    at: place)
            }
        }
        return head
    }

    private init(container: ContainerReader, name: String) throws(TesseraError) {
        let parameters = try ShardParameters(
            container.tailSection(.parameters), name: name)
        self.name = name
        size = container.size
        dimension = parameters.dimension
        metric = parameters.metric
        vectorCount = parameters.vectorCount
        model = try Self.model(container, parameters, name: name)
        refine = try Self.refine(container, parameters, name: name)
        (lists, idBlocks) = try ListDirectory.read(container, parameters, name: name)
    }

    private static func model(
        _ container: ContainerReader, _ parameters: ShardParameters, name: String
    ) throws(TesseraError) -> ShardModel {
        let shape = parameters.shape
        var codebooks = ByteReader(
            try container.tailSection(.codebooks), what: "codebooks of \(name)")
        let entries = try codebooks.floats(shape.paddedDimension * shape.centroidCount)
        try codebooks.finish()
        var centroids = ByteReader(
            try container.tailSection(.centroids), what: "centroids of \(name)")
        let origin = try centroids.floats(shape.paddedDimension)
        let step = try centroids.float()
        let codes = try centroids.take(parameters.listCount * shape.paddedDimension)
        try centroids.finish()
        return ShardModel(
            origin: origin, centroidStep: step,
            centroidCodes: codes.map { Int8(bitPattern: $0) },
            codebooks: Codebooks(shape: shape, centroids: entries))
    }

    private static func refine(
        _ container: ContainerReader, _ parameters: ShardParameters, name: String
    ) throws(TesseraError) -> RefineTier {
        var reader = ByteReader(try container.tailSection(.refine), what: "refine tier of \(name)")
        let scaled = parameters.refine == .sq8 || parameters.refine == .sq16
        let width = scaled ? parameters.dimension : 0
        let minimum = try reader.floats(width)
        let step = try reader.floats(width)
        try reader.finish()
        return RefineTier(encoding: parameters.refine, minimum: minimum, step: step)
    }
}

extension ShardHead {
    /// Throws `corrupted` unless `codes` are the packed codes of `list`.
    package func check(codes: ArraySlice<UInt8>, of list: Int) throws(TesseraError) {
        guard codes.count == lists[list].codes.count,
            Kernels.crc32c(codes) == lists[list].checksum
        else {
            throw TesseraError(.corrupted, "\(name): list \(list) does not match its checksum")
        }
    }

    /// The list that holds `row`.
    package func list(ofRow row: Int) -> Int {
        precondition(row >= 0 && row < vectorCount, "row out of range")
        var low = 0
        var high = lists.count
        while low + 1 < high {
            let middle = (low + high) / 2
            if lists[middle].firstRow <= row { low = middle } else { high = middle }
        }
        return low
    }

    /// Range of a refine row with its checksum; nil without a refine tier.
    package func refineRange(row: Int) -> Range<UInt64>? {
        refineRange(row: row, list: list(ofRow: row))
    }

    /// The same for a row whose list is known.
    package func refineRange(row: Int, list: Int) -> Range<UInt64>? {
        guard refine.encoding != .none else { return nil }
        let stride = refine.encoding.storedRowSize(dimension: dimension)
        let list = lists[list]
        let start = list.refineOffset + UInt64(row - list.firstRow) * stride
        return start..<start + stride
    }

    /// Range of all refine rows and id blocks.
    package var rowsRange: Range<UInt64> {
        let first = lists[0].refineOffset
        return first..<(idBlocks.last?.upperBound ?? first)
    }

    /// The refine row out of the bytes of its range. Throws `corrupted` where they do not match the
    /// checksum.
    package func refineRow(_ bytes: ArraySlice<UInt8>, row: Int) throws(TesseraError)
        -> ArraySlice<UInt8>
    {
        guard let payload = Checksummed.payload(of: bytes) else {
            throw TesseraError(.corrupted, "\(name): row \(row) does not match its checksum")
        }
        return payload
    }

    /// Place of a row's external id: its block, and its index in the block.
    package func idPlace(row: Int) -> IDPlace {
        let list = lists[list(ofRow: row)]
        let offset = row - list.firstRow
        let block = offset / IDBlock.capacity
        return IDPlace(
            range: idBlocks[list.firstIDBlock + block],
            count: min(IDBlock.capacity, list.count - block * IDBlock.capacity),
            index: offset % IDBlock.capacity)
    }

    /// Throws `corrupted` unless `block` is whole; cheaper than reading its ids.
    package func check(idBlock block: ArraySlice<UInt8>, at place: IDPlace) throws(TesseraError) {
        try IDBlock.check(block, what: "\(name): id block at \(place.range.lowerBound)")
    }

    /// The one id at `place`, out of the bytes of its block.
    package func id(_ block: [UInt8], at place: IDPlace) throws(TesseraError) -> String {
        let ids = try IDBlock.decode(
            block, ids: place.index..<place.index + 1, of: place.count,
            what: "\(name): id block at \(place.range.lowerBound)")
        return ids[0]
    }

    /// The ids of the block at `place`.
    package func ids(_ block: [UInt8], at place: IDPlace) throws(TesseraError) -> [String] {
        try IDBlock.decode(
            block, ids: 0..<place.count, of: place.count,
            what: "\(name): id block at \(place.range.lowerBound)")
    }
}

/// Place of an external id in a shard.
package struct IDPlace: Sendable, Equatable {
    package let range: Range<UInt64>
    /// Ids in the block.
    package let count: Int
    /// The id's number in the block.
    package let index: Int
}
