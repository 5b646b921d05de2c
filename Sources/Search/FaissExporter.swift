// Exports a shard as a Faiss index: the same centroids, codebooks and codes in Faiss's packing.
package import Catalog
import ObjectStore
import ShardFile
package import TesseraBase
import VectorCore
import VectorIndex

/// One exported shard.
package struct FaissShard: Sendable {
    /// A file for `faiss.read_index`.
    package let file: [UInt8]
    /// The external id of each Faiss id.
    package let ids: [(id: Int64, externalID: String)]
}

/// Exports the shards of a version.
package struct FaissExporter: Sendable {
    private let manifest: Manifest
    private let catalog: Catalog
    private let transform: InputTransform

    /// Reads the router, which holds the transform that all shards share.
    package init(manifest: Manifest, catalog: Catalog) async throws(TesseraError) {
        self.manifest = manifest
        self.catalog = catalog
        transform = try await VersionObjects(manifest.index, from: catalog).router().transform
    }

    /// Exports one shard. Its Faiss ids are numeric ids: ordinal in the high 32 bits, row in the
    /// low.
    package func export(shard ordinal: Int) async throws(TesseraError) -> FaissShard {
        let key = ObjectKind.shard.key(manifest.index.shards[ordinal].digest)
        let object = try await catalog.store.get(key)
        let head = try ShardHead.verify(object, name: key)
        let contents = head.faissContents(
            nprobe: manifest.index.search.nprobe, transform: faissTransform
        ) { list in
            object[Int(list.codes.lowerBound)..<Int(list.codes.upperBound)]
        } id: { row in
            Int64(NumericID(shard: ordinal, row: row).rawValue)
        }
        let file = try FaissIndexWriter.serialise(contents)
        return FaissShard(file: file, ids: try ids(head, object, ordinal))
    }

    private var faissTransform: FaissTransform {
        switch transform {
        case .rotation(let matrix): .rotation(matrix)
        case .padding(let dimension, let padded): dimension == padded ? .none : .pad
        }
    }

    private func ids(_ head: ShardHead, _ object: [UInt8], _ ordinal: Int) throws(TesseraError)
        -> [(id: Int64, externalID: String)]
    {
        var ids: [(id: Int64, externalID: String)] = []
        while ids.count < head.vectorCount {
            let place = head.idPlace(row: ids.count)
            let block = Array(object[Int(place.range.lowerBound)..<Int(place.range.upperBound)])
            for id in try head.ids(block, at: place) {
                let number = NumericID(shard: ordinal, row: ids.count).rawValue
                ids.append((Int64(number), id))
            }
        }
        return ids
    }
}

extension ShardHead {
    /// The shard's contents for a Faiss index.
    ///
    /// - Parameters:
    ///   - nprobe: capped at the number of lists.
    ///   - codes: the packed codes of a list.
    ///   - id: the Faiss id of a row.
    func faissContents(
        nprobe: Int, transform: FaissTransform, codes: (ListEntry) -> ArraySlice<UInt8>,
        id: (Int) -> Int64
    ) -> FaissIndexContents {
        FaissIndexContents(
            dimension: transform == .none ? model.shape.paddedDimension : dimension,
            metric: metric, centroids: model.centroids, codebooks: model.codebooks,
            lists: lists.map { entry in
                FaissList(
                    ids: (entry.firstRow..<entry.firstRow + entry.count).map(id),
                    codes: CodePacking.unpack(
                        codes(entry), count: entry.count, shape: model.shape, hasBias: hasBias))
            }, nprobe: min(lists.count, nprobe), transform: transform)
    }
}
