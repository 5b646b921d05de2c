// Builds one shard from the vectors of one cell: trains, encodes, writes. Pure computing: where the bytes go is
// decided elsewhere.
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

/// Builds shards with one set of parameters. Same cell, same bytes.
struct ShardBuilder: Sendable {
    let input: TrainingInput
    let backend: any IndexBackend
    let transform: InputTransform
    let shape: ProductQuantizerShape
    let refine: RefineEncoding
    let seed: UInt64

    func build(cell: Int, ordinal: Int, from spill: VectorSpill) throws(TesseraError) -> BuiltShard
    {
        let spilled = try spill.read(cell: cell)
        let vectors = try input.decode(spilled.raw)
        let listCount = AutomaticParameters.listCount(vectors: vectors.rows)
        let trainer = ShardTrainer(
            backend: backend, metric: input.metric, shape: shape,
            seed: SeededRandom.derive(seed, stream: UInt64(ordinal) + 1))
        let encoded = try trainer.build(transform.apply(vectors), listCount: listCount)
        var ids: [[UInt8]] = []
        for row in spilled.rowNumbers { ids.append(try input.ids.bytes(Int(row))) }
        let image = try ShardWriter.write(
            ShardContents(
                metric: input.metric, vectors: vectors, encoded: encoded,
                refine: .fitted(to: vectors, encoding: refine, integral: input.isIntegral),
                ids: ids))
        let order = encoded.lists.flatMap(\.members)
        return BuiltShard(
            image: image, vectors: vectors.rows, lists: listCount,
            centroid: ShardTrainer.mean(of: vectors),
            idHashes: order.map { StableHash.hash(ids[$0]) })
    }
}
