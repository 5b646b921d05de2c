// Learns how indexes of one kind of vectors grow: builds and measures small ones, probes the
// machine, and states its error by predicting the largest one from the others.
import Catalog
import Foundation
import Indexer
import ObjectStore
import Recall
package import Reporting
import Search
import ShardFile
package import TesseraBase
import VectorCore
import VectorIndex

/// Runs a calibration.
package struct Calibrator: Sendable {
    /// Vectors kept as floats for the probes of the machine.
    private static let probeRows = 16_384
    /// Divisors for the sizes of the smaller scales.
    private static let steps = [4, 2, 1]
    /// The largest scale is this many times the next one.
    private static let jump = 4

    let plan: CalibrationPlan
    let published: PublishedScale?
    let pool: WorkPool
    let stop: StopSign
    let progress: ProgressHandler

    package init(
        _ plan: CalibrationPlan, published: PublishedScale?, pool: WorkPool, stop: StopSign,
        progress: @escaping ProgressHandler
    ) {
        self.plan = plan
        self.published = published
        self.pool = pool
        self.stop = stop
        self.progress = progress
    }

    /// Calibrates and passes the result to `body`. The indexes that were built are deleted
    /// afterwards.
    ///
    /// - Parameter largest: vectors of the largest index that will be asked about.
    package func run<Output>(
        upTo largest: Int, _ body: (Calibration) async throws(TesseraError) -> Output
    ) async throws(TesseraError) -> Output {
        try check()
        let folder = "\(plan.scratch)/tessera-plan-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw TesseraError(
                .unavailable, "cannot make \(folder); give another folder with --scratch",
                cause: error)
        }
        let start = try await begin(folder)
        return try await body(try await measure(start, upTo: largest))
    }

    private func check() throws(TesseraError) {
        guard (PlannerSample.fewestQueries...10_000).contains(plan.queries) else {
            throw TesseraError(
                .invalidArgument,
                "\(plan.queries) queries are out of range; give \(PlannerSample.fewestQueries) to 10000"
            )
        }
        guard plan.sample >= PlannerSample.smallest, plan.sample <= 100_000_000 else {
            throw TesseraError(
                .invalidArgument,
                "a sample of \(plan.sample) vectors is out of range; give \(PlannerSample.smallest) to 100000000"
            )
        }
        if let index = published?.manifest.index, index.partition != PartitionMode.cells.rawValue {
            throw TesseraError(
                .invalidArgument,
                "index '\(index.name)' has shards in order of arrival, which the planner "
                    + "cannot predict; give vectors with --vectors instead of the version"
            )
        }
    }

    /// Everything that exists before the first index is built.
    private struct Start: Sendable {
        let sample: PlannerSample
        let builder: ScaleBuilder
        /// Sizes to build, ascending. The last is the largest scale, unless the version is.
        let sizes: [Int]
        let version: LoadedScale?
        let notes: [String]
    }

    private func begin(_ folder: String) async throws(TesseraError) -> Start {
        guard let published else {
            guard let path = plan.vectorsPath else {
                throw TesseraError(
                    .invalidArgument,
                    "there is nothing to calibrate with; give vectors with --vectors, or a published version "
                        + "with --store and --index")
            }
            let sample = try PlannerSample(
                path: path, idsPath: plan.idsPath, queriesPath: plan.queriesPath,
                metric: plan.metric, most: plan.sample, queries: plan.queries, seed: plan.seed,
                scratch: folder)
            return Start(
                sample: sample, builder: try builder(sample, folder, nil),
                sizes: Self.steps.map { sample.count / Self.jump / $0 } + [sample.count],
                version: nil, notes: [])
        }
        let index = published.manifest.index
        let set = try await queries(of: published)
        let sample = try await PlannerSample(
            index, published.catalog, set, path: plan.vectorsPath, idsPath: plan.idsPath,
            most: min(plan.sample, index.vectors), seed: plan.seed, scratch: folder, pool: pool,
            progress: progress)
        let builder = try builder(sample, folder, index)
        let fits = published.catalog.store.isLocal && index.residentBytes <= 2 * plan.memoryBudget
        let below = min(sample.count, index.vectors / Self.jump)
        guard fits, below / Self.jump >= PlannerSample.smallest / 16 else {
            return Start(
                sample: sample, builder: builder,
                sizes: Self.steps.map { sample.count / Self.jump / $0 } + [sample.count],
                version: nil,
                notes: [
                    "the version itself was not searched: it is remote, or larger than the memory to spare"
                ])
        }
        return Start(
            sample: sample, builder: builder,
            sizes: Self.steps.map { below / $0 },
            version: try await builder.load(published, set), notes: [])
    }

    private func queries(of published: PublishedScale) async throws(TesseraError) -> QuerySet {
        let index = published.manifest.index
        let selection = try await QuerySelection(
            path: plan.queriesPath, of: index, in: published.catalog, most: plan.queries,
            seed: plan.seed)
        if let stored = selection.stored {
            return QuerySet(
                queries: selection.queries, k: stored.k, ownIDs: selection.ownIDs,
                neighbours: stored.neighbours)
        }
        return try await StoredTruth(
            index, in: published.catalog, pool: pool, progress: progress
        ).about(selection.queries, k: QuerySetBuilder.k)
    }

    private func builder(
        _ sample: PlannerSample, _ folder: String, _ index: IndexDescription?
    ) throws(TesseraError) -> ScaleBuilder {
        let name = plan.backend ?? index?.backend.name
        var choices = BuildChoices(
            backend: try name.map { name throws(TesseraError) in try Backends.named(name) }
                ?? Backends.default)
        choices.seed = plan.seed
        choices.queries = plan.queries
        choices.shardSize = plan.shardSize ?? index?.shardSize ?? choices.shardSize
        choices.codeSize = plan.codeSize
        if let index {
            choices.bitsPerCode = index.quantizer.bits
            choices.codeSize = index.quantizer.subquantizers * index.quantizer.bits / 8
            choices.rotation = index.quantizer.rotation
            choices.refine = RefineEncoding(rawValue: index.refine)
        }
        return ScaleBuilder(
            sample: sample, choices: choices, scratch: folder, pool: pool, progress: progress)
    }

    private func measure(
        _ start: Start, upTo asked: Int
    ) async throws(TesseraError) -> Calibration {
        let measurer = ScaleMeasurer(pool: pool, stop: stop, progress: progress)
        var loaded: [LoadedScale] = []
        var builds: [BuildTime] = []
        for size in start.sizes {
            try stop.check()
            let (scale, time) = try await start.builder.build(size)
            loaded.append(scale)
            builds.append(time)
        }
        if let version = start.version { loaded.append(version) }
        var scales: [Scale] = []
        for scale in loaded { scales.append(try await measurer.measure(scale)) }
        let largest = loaded[loaded.count - 1]
        let vectors = try start.sample.matrix(Self.probeRows)
        let prober = MachineProber(metric: start.sample.metric, pool: pool, stop: stop)
        let probe = try await prober.probe(
            vectors, scanVectors: min(largest.index.vectors, plan.sample),
            budget: plan.memoryBudget, backend: start.builder.choices.backend)
        let shardSize = start.builder.choices.shardSize
        let thinner = ScaleThinner(builder: start.builder, measurer: measurer)
        let thinned = try await thinner.measure(beyond: scales, upTo: asked)
        let growth = GrowthModel(scales, shardSize: shardSize, thinned: thinned)
        let held = growth.footprint(growth.cut(max(asked, largest.index.vectors)))
        let timed = try await timeProbe(largest, start.builder)
        let times = try await timed.model(
            largest: plan.timesRowsInMemory ? held.held : held.codes + held.models,
            budget: plan.memoryBudget)
        let heldOut = HeldOut(
            scales: scales, builds: builds, shardSize: shardSize, probe: probe,
            dimension: start.sample.dimension, rowsInMemory: plan.timesRowsInMemory,
            routing: Routing(prober: prober, sample: vectors), measurer: measurer, thinner: thinner)
        let lines = try await heldOut.lines(
            smaller: try await timeProbe(loaded[loaded.count - 2], start.builder), largest: timed,
            budget: plan.memoryBudget)
        return Calibration(
            sampleName: start.sample.name, dimension: start.sample.dimension,
            metric: start.sample.metric, shardSize: shardSize,
            rowBytes: Double(start.sample.rowBytes), scales: scales, builds: builds,
            growth: growth, times: times, probe: probe, heldOut: lines, largest: timed.loaded,
            routing: heldOut.routing,
            notes: start.notes + Self.doubts(scales, shardSize: shardSize) + Self.words(thinned))
    }

    private static func words(_ thinned: ThinnedScales?) -> [String] {
        thinned.map {
            [
                "recall and counts beyond the largest scale are based on one in "
                    + "\(Wording.short($0.thinning)) of \(Wording.grouped(Double($0.ahead.vectors))) "
                    + "vectors, cut into as many shards and lists as all of them"
            ]
        } ?? []
    }

    /// A note if some indexes have a single shard, because they grow by other laws than those with
    /// many.
    private static func doubts(_ scales: [Scale], shardSize: Int) -> [String] {
        guard scales[0].vectors < shardSize else { return [] }
        return [
            "some of the indexes have a single shard, which says little about many: a --sample of "
                + "\(Wording.grouped(Double(16 * shardSize))) or more predicts better"
        ]
    }

    private func timeProbe(
        _ loaded: LoadedScale, _ builder: ScaleBuilder
    ) async throws(TesseraError) -> TimeProbe {
        let timed =
            plan.timesRowsInMemory
            ? loaded
            : try await builder.load(
                PublishedScale(loaded.manifest, loaded.base, loaded.catalog), loaded.truth,
                residency: .codes)
        return TimeProbe(
            loaded: timed, pool: pool, stop: stop, progress: progress, seed: plan.seed,
            rounds: plan.timedRounds, mostQueries: plan.timedQueries)
    }
}
