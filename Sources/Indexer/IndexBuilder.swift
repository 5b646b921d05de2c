// The build pipeline: input → sample → cells → shards → draft. What it leaves in the store before
// the draft is written is invisible to readers and swept up by gc.
package import Catalog
import ObjectStore
import ShardFile
package import TesseraBase
import VectorCore
package import VectorIndex

/// Trains an index into a draft.
///
/// The same settings, input and seed give the same shards, byte by byte, at any number of threads.
package struct IndexBuilder: Sendable {
    private static let spillBudget = 512 << 20

    let settings: IndexSettings
    let source: any VectorSource
    let backend: any IndexBackend
    let catalog: Catalog
    let pool: WorkPool
    let progress: ProgressHandler

    /// - Parameter source: must yield the same rows until ``run()`` has returned.
    package init(
        settings: IndexSettings, source: any VectorSource, backend: any IndexBackend,
        catalog: Catalog, pool: WorkPool, progress: @escaping ProgressHandler
    ) {
        self.settings = settings
        self.source = source
        self.backend = backend
        self.catalog = catalog
        self.pool = pool
        self.progress = progress
    }

    /// Builds everything and saves the draft.
    ///
    /// - Throws: `invalidArgument` for anything wrong with the input, naming source, row and value;
    ///   `resourceExhausted` where scratch or store are full.
    package func run() async throws(TesseraError) -> Draft {
        // Fails before hours of work if the store cannot be reached.
        let held = try await catalog.heldByLatest()
        let input = try await TrainingInput.open(source, settings, pool: pool, progress: progress)
        try settings.validate(dimension: input.dimension)
        // An unusable scratch folder is found out before hours of training.
        _ = try OpenFile.nameless(in: settings.scratchFolder)
        let cells = max(1, (input.count + settings.shardSize - 1) / settings.shardSize)
        let sample = try await sample(input, cells: cells)
        let prepared = try await pool.run { () throws(TesseraError) in
            try prepare(sample, cells: cells)
        }
        let spill = try VectorSpill(
            scratchFolder: settings.scratchFolder, cells: prepared.rule.cells,
            rowBytes: input.rowBytes, memoryBudget: Self.spillBudget)
        let queries = try await QuerySetBuilder.drawn(settings, from: input, pool: pool)
        var truth = queries?.truth
        let digest = try await CellAssigner(
            input: input, backend: backend, pool: pool, progress: progress
        ).run(prepared.rule, into: spill, truth: &truth)
        let ordered = try await pool.run { () throws(TesseraError) in
            try CellSplitter(
                input: input, backend: backend, target: settings.shardSize, seed: settings.seed
            ).split(spill)
        }
        let builder = ShardBuilder(
            input: input, backend: backend, transform: prepared.transform, shape: prepared.shape,
            refine: settings.refine ?? input.usualRefine, seed: settings.seed,
            thinning: settings.thinning, heldOut: queries?.heldOut ?? [])
        let ids = try IDTableBuilder(
            vectors: input.count, scratchFolder: settings.scratchFolder)
        let reassigned = try await reassign(ordered, prepared, builder, spill)
        let shards = try await buildShards(
            builder, cells: reassigned, from: spill, ids: ids, held: held)
        var description = try await describe(input, digest, prepared, shards, ids, held)
        if let queries, let truth {
            description.queries = try await queries.store(
                truth, input.ids, in: catalog, held: held)
        }
        return try await catalog.saveDraft(description)
    }

    private struct Prepared: Sendable {
        let rule: CellAssigner.Rule
        let transform: InputTransform
        let shape: ProductQuantizerShape
    }

    /// What rotation and partition are trained on; a row of zeros where neither is.
    private func sample(_ input: TrainingInput, cells: Int) async throws(TesseraError) -> Matrix {
        progress(ProgressUpdate(phase: "sampling", completed: 0, total: 1, unit: "steps"))
        let needsSample = settings.rotation || (settings.partition == .cells && cells > 1)
        guard needsSample else { return Matrix(rows: 1, columns: input.dimension) }
        return try await input.sample(
            PartitionTrainer.sampleSize(cells: cells, dimension: input.dimension),
            seed: settings.seed)
    }

    /// Everything that is learned from a sample of the whole input.
    private func prepare(_ sample: Matrix, cells: Int) throws(TesseraError) -> Prepared {
        let shape = AutomaticParameters.quantizer(
            dimension: sample.columns, bitsPerCode: settings.bitsPerCode,
            codeSize: settings.codeSize)
        let transform: InputTransform =
            settings.rotation
            ? .rotation(
                try backend.trainRotation(
                    ShardTrainer.enough(sample, for: shape), shape: shape, seed: settings.seed))
            : .padding(from: sample.columns, to: shape.paddedDimension)
        guard settings.partition == .cells else {
            return Prepared(rule: .inputOrder(cells: cells), transform: transform, shape: shape)
        }
        let centroids = try PartitionTrainer(backend: backend, seed: settings.seed)
            .train(sample, cells: cells)
        return Prepared(rule: .nearest(centroids), transform: transform, shape: shape)
    }

    /// A cell that becomes a shard, and its lists where they were trained before.
    private typealias ShardCell = (cell: Int, lists: ListCentroids?)

    /// Trains the lists of all cells, then reassigns each vector to the shard of its nearest list.
    /// Cells by input order stay as they are.
    private func reassign(
        _ cells: [Int], _ prepared: Prepared, _ builder: ShardBuilder, _ spill: VectorSpill
    ) async throws(TesseraError) -> [ShardCell] {
        guard case .nearest = prepared.rule, cells.count > 1 else {
            return cells.map { ($0, nil) }
        }
        let counter = ProgressCounter(
            phase: "training lists", total: builder.input.count, unit: "vectors",
            handler: progress)
        let trained = try await pool.map(Array(cells.enumerated())) {
            [pool] item throws(TesseraError) in
            let lists = try await pool.run { () throws(TesseraError) in
                try builder.trainLists(cell: item.element, ordinal: item.offset, from: spill)
            }
            counter.advance(by: spill.rows(ofCell: item.element))
            return TrainedCell(cell: item.element, lists: lists)
        }
        let reassigner = ListReassigner(
            builder: builder, pool: pool, progress: progress,
            largest: AutomaticParameters.largestShard(target: settings.shardSize))
        return try await reassigner.reassign(trained, in: spill).map { ($0.cell, $0.lists) }
    }

    private func buildShards(
        _ builder: ShardBuilder, cells: [ShardCell], from spill: VectorSpill, ids: IDTableBuilder,
        held: HeldObjects
    ) async throws(TesseraError) -> [PlacedShard] {
        let counter = ProgressCounter(
            phase: "building shards", total: builder.input.count, unit: "vectors",
            handler: progress)
        return try await pool.map(Array(cells.enumerated())) {
            [pool, catalog] item throws(TesseraError) in
            let (ordinal, (cell, lists)) = item
            let shard = try await pool.run { () throws(TesseraError) in
                try builder.build(cell: cell, ordinal: ordinal, lists: lists, from: spill)
            }
            try ids.append(shard.idHashes, shard: ordinal)
            let digest = try await catalog.putObject(.shard, shard.image.bytes, held: held)
            counter.advance(by: shard.vectors)
            return PlacedShard(
                reference: ShardReference(
                    digest: digest, bytes: UInt64(shard.image.bytes.count),
                    vectors: shard.vectors, lists: shard.lists,
                    open: ByteSpan(shard.image.open)),
                centroid: shard.centroid)
        }
    }

    /// Puts the router and the id tables beside the shards and describes them all.
    private func describe(
        _ input: TrainingInput, _ digest: ContentDigest, _ prepared: Prepared,
        _ shards: [PlacedShard], _ ids: IDTableBuilder, _ held: HeldObjects
    ) async throws(TesseraError) -> IndexDescription {
        let router = try RouterFile.write(
            Router(
                centroids: Matrix(
                    rows: shards.count, columns: input.dimension,
                    elements: shards.flatMap(\.centroid)),
                transform: prepared.transform))
        let routerDigest = try await catalog.putObject(.router, router.bytes, held: held)
        let tables = try await writeIDTables(ids, held)
        let lists = shards.reduce(0) { $0 + $1.reference.lists }
        // Shards by input order each have lists in every region, and all of these are near.
        let hasMargin = settings.partition == .cells && settings.metric != .innerProduct
        let probes = AutomaticParameters.probeCount(totalLists: lists, hasMargin: hasMargin)
        return IndexDescription(
            name: settings.index, metric: settings.metric.rawValue,
            dimension: input.dimension, elementType: input.elementType.rawValue,
            vectors: input.count,
            backend: BackendDescription(
                name: backend.identity.name, version: backend.identity.version),
            seed: settings.seed, inputDigest: digest, partition: settings.partition.rawValue,
            shardSize: settings.shardSize,
            quantizer: QuantizerDescription(
                subquantizers: prepared.shape.subquantizerCount,
                subdimension: prepared.shape.subdimension, bits: prepared.shape.bitsPerCode,
                rotation: settings.rotation),
            refine: (settings.refine ?? input.usualRefine).rawValue,
            search: SearchDefaults(
                nprobe: probes, refineDepth: AutomaticParameters.refineDepth(k: 10),
                probeShards: settings.partition == .none
                    ? shards.count
                    : AutomaticParameters.probeShards(
                        shards: shards.count, totalLists: lists, probeCount: probes),
                listMargin: hasMargin ? AutomaticParameters.listMargin : nil),
            rules: settings.rules,
            router: ObjectReference(
                digest: routerDigest, bytes: UInt64(router.bytes.count)),
            idTables: tables, shards: shards.map(\.reference))
    }

    private func writeIDTables(
        _ builder: IDTableBuilder, _ held: HeldObjects
    ) async throws(TesseraError) -> [IDTableReference] {
        var references: [IDTableReference] = []
        for table in try builder.tables() {
            let (image, entries) = try builder.write(table)
            let digest = try await catalog.putObject(.idTable, image.bytes, held: held)
            references.append(
                IDTableReference(
                    digest: digest, bytes: UInt64(image.bytes.count), entries: entries,
                    open: ByteSpan(image.open)))
        }
        return references
    }

    private struct PlacedShard: Sendable {
        let reference: ShardReference
        let centroid: [Float]
    }
}
