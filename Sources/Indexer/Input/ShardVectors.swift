// The shards of a published version as a source, so that an index can be rebuilt without the file
// it came from.
//
// Vectors are what the refine tier stores: exact for integers of one byte, rounded otherwise, and
// of unit length under the cosine metric. Rows come in the order of shards and their rows; ids are
// the external ones.
package import Catalog
import ObjectStore
import ShardFile
package import TesseraBase
package import VectorCore
import VectorIndex

/// The rows of a version's shards.
package struct ShardVectors: VectorSource {
    package let name: String
    package let elementType: ElementType
    private let index: IndexDescription
    private let store: any ObjectStore
    private let heads: ShardHeads
    /// The row each shard begins at, then the number of rows.
    private let starts: [Int]

    /// - Throws: `unsupported` where the version has no refine tier, and so no vectors.
    package init(_ manifest: Manifest, from catalog: Catalog) throws(TesseraError) {
        index = manifest.index
        name = "version \(manifest.version) of index '\(index.name)'"
        guard index.refine != RefineEncoding.none.rawValue else {
            throw TesseraError(
                .unsupported,
                "\(name) has no refine tier, so its vectors cannot be read back; train from the file of vectors"
            )
        }
        // One byte a component on a step of 1 holds integers of one byte exactly.
        let holdsIntegers =
            index.refine == RefineEncoding.sq8.rawValue && index.metric != Metric.cosine.rawValue
        elementType =
            switch ElementType(rawValue: index.elementType) {
            case .u8 where holdsIntegers: .u8
            case .i8 where holdsIntegers: .i8
            default: .f32
            }
        store = catalog.store
        heads = ShardHeads(index, catalog.store)
        var starts = [0]
        for shard in index.shards { starts.append((starts.last ?? 0) + shard.vectors) }
        self.starts = starts
    }

    package var dimension: Int { index.dimension }
    package var count: Int? { index.vectors }
    package var ids: ExternalIDs? { nil }

    package func vectors(
        from first: Int, atMost most: Int, on pool: WorkPool
    ) async throws(TesseraError) -> [UInt8] {
        let end = min(first + most, index.vectors)
        return try await vectors(at: Array(min(first, end)..<end), on: pool)
    }

    package func vectors(
        at rows: [Int], on pool: WorkPool
    ) async throws(TesseraError) -> [UInt8] {
        var raw: [UInt8] = []
        raw.reserveCapacity(rows.count * rowBytes)
        for (shard, rows) in byShard(rows) {
            let head = try await heads.head(shard)
            let ranges = rows.compactMap { head.refineRange(row: $0) }
            raw += try await store.rereadingOnce(head.name) {
                () async throws(TesseraError) -> [UInt8] in
                let stored = try await store.storedParts(head.name, ranges)
                return try await pool.run { () throws(TesseraError) in
                    var elements: [Float] = []
                    elements.reserveCapacity(rows.count * dimension)
                    for (row, bytes) in zip(rows, stored) {
                        elements += head.refine.decode(try head.refineRow(bytes[...], row: row))
                    }
                    return try ElementConversion.encode(elements, as: elementType)
                }
            }
        }
        return raw
    }

    package func ids(
        from first: Int, atMost most: Int, on pool: WorkPool
    ) async throws(TesseraError) -> [[UInt8]] {
        let end = min(first + most, index.vectors)
        var ids: [[UInt8]] = []
        for (shard, rows) in byShard(Array(min(first, end)..<end)) {
            let head = try await heads.head(shard)
            // One place for each block that holds some of the rows, with the rows wanted of it.
            var blocks: [(place: IDPlace, wanted: Range<Int>)] = []
            for row in rows {
                let place = head.idPlace(row: row)
                if blocks.last?.place.range == place.range {
                    let wanted = blocks.removeLast().wanted
                    blocks.append((place, wanted.lowerBound..<place.index + 1))
                } else {
                    blocks.append((place, place.index..<place.index + 1))
                }
            }
            ids += try await store.rereadingOnce(head.name) {
                [blocks] () async throws(TesseraError) -> [[UInt8]] in
                let stored = try await store.storedParts(head.name, blocks.map(\.place.range))
                return try await pool.run { () throws(TesseraError) in
                    var found: [[UInt8]] = []
                    for ((place, wanted), block) in zip(blocks, stored) {
                        found += try head.ids(block, at: place)[wanted].map { Array($0.utf8) }
                    }
                    return found
                }
            }
        }
        return ids
    }

    /// Ascending rows as row numbers in their shards.
    private func byShard(_ rows: [Int]) -> [(shard: Int, rows: [Int])] {
        var groups: [(shard: Int, rows: [Int])] = []
        var rest = rows[...]
        var shard = 0
        while let row = rest.first {
            while starts[shard + 1] <= row { shard += 1 }
            let mine = rest.prefix { $0 < starts[shard + 1] }
            groups.append((shard, mine.map { $0 - starts[shard] }))
            rest = rest.dropFirst(mine.count)
        }
        return groups
    }
}
