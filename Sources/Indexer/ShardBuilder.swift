// Builds one shard from the vectors of one cell: trains, encodes, writes. Pure computation; its
// caller stores the bytes.
import ShardFile
import TesseraBase
import VectorCore
import VectorIndex

/// A shard's bytes, and what the rest of the index needs to know of it.
struct BuiltShard: Sendable {
    let image: ContainerImage
    let vectors: Int
    let lists: Int
    /// The middle of the cell, `[dimension]`: the router's centroid.
    let centroid: [Float]
    /// Hash of each external id, in row order.
    let idHashes: [UInt64]
}

/// Builds shards with one set of parameters. The same cell gives the same bytes.
struct ShardBuilder: Sendable {
    let input: TrainingInput
    let backend: any IndexBackend
    let transform: InputTransform
    let shape: ProductQuantizerShape
    let refine: RefineEncoding
    let seed: UInt64
    /// Factor on the number of vectors when lists are sized.
    let thinning: Double
    /// Rows that lists are trained without.
    let heldOut: Set<UInt64>

    /// The centroids of a cell's lists.
    func trainLists(cell: Int, ordinal: Int, from spill: VectorSpill)
        throws(TesseraError) -> ListCentroids
    {
        let spilled = try spill.read(cell: cell)
        return try trainLists(
            transform.apply(input.decode(spilled.raw)), spilled.rowNumbers, ordinal)
    }

    private func trainLists(_ vectors: Matrix, _ rows: [UInt64], _ ordinal: Int)
        throws(TesseraError) -> ListCentroids
    {
        let known = training(vectors, rows)
        let wanted = AutomaticParameters.listCount(
            vectors: Int(Double(vectors.rows) * thinning))
        return try trainer(ordinal).trainLists(known, listCount: min(wanted, known.rows))
    }

    /// What lists are trained on: all but the queries that recall is measured by.
    private func training(_ vectors: Matrix, _ rows: [UInt64]) -> Matrix {
        guard !heldOut.isDisjoint(with: rows) else { return vectors }
        let known = rows.indices.filter { !heldOut.contains(rows[$0]) }
        return known.isEmpty ? vectors : vectors.gathering(known)
    }

    /// - Parameter lists: lists that were trained before vectors were reassigned; trained here if
    ///   nil.
    func build(
        cell: Int, ordinal: Int, lists: ListCentroids?, from spill: VectorSpill
    ) throws(TesseraError) -> BuiltShard {
        let spilled = try spill.read(cell: cell)
        let vectors = try input.decode(spilled.raw)
        let trainer = trainer(ordinal)
        let transformed = transform.apply(vectors)
        let centroids =
            if let lists {
                try trainer.recentre(lists, on: training(transformed, spilled.rowNumbers))
            } else {
                try trainLists(transformed, spilled.rowNumbers, ordinal)
            }
        let encoded = try trainer.build(transformed, lists: centroids)
        var ids: [[UInt8]] = []
        for row in spilled.rowNumbers { ids.append(try input.ids.bytes(Int(row))) }
        let image = try ShardWriter.write(
            ShardContents(
                metric: input.metric, vectors: vectors, encoded: encoded,
                refine: .fitted(to: vectors, encoding: refine, integral: input.isIntegral),
                ids: ids))
        let order = encoded.lists.flatMap(\.members)
        return BuiltShard(
            image: image, vectors: vectors.rows, lists: centroids.count,
            centroid: ShardTrainer.mean(of: vectors),
            idHashes: order.map { StableHash.hash(ids[$0]) })
    }
    private func trainer(_ ordinal: Int) -> ShardTrainer {
        ShardTrainer(
            backend: backend, metric: input.metric, shape: shape,
            seed: SeededRandom.derive(seed, stream: UInt64(ordinal) + 1))
    }
}
