// Builds an index of part of a sample in a folder of its own, by the same steps as any other index.
import Catalog
import Foundation
import Indexer
import ObjectStore
import Recall
import Search
import ShardFile
import TesseraBase
import VectorCore
import VectorIndex

/// How the indexes of a calibration are built; nil values follow the rules.
struct BuildChoices: Sendable {
    var backend: any IndexBackend
    var shardSize = AutomaticParameters.shardSize
    var bitsPerCode = 4
    var codeSize: Int?
    var rotation = false
    var refine: RefineEncoding?
    var queries = QuerySetBuilder.defaultCount
    var seed: UInt64 = 1
}

/// Times of one build.
package struct BuildTime: Sendable, Equatable, Codable {
    package var vectors: Int
    package var trainSeconds: Double
    package var publishSeconds: Double
}

/// Builds scales.
struct ScaleBuilder: Sendable {
    let sample: PlannerSample
    let choices: BuildChoices
    let scratch: String
    let pool: WorkPool
    let progress: ProgressHandler

    /// Builds an index.
    ///
    /// - Parameter thinning: gives the index the shape of one with this many times the vectors.
    func build(
        _ count: Int, thinning: Double = 1
    ) async throws(TesseraError) -> (LoadedScale, BuildTime) {
        let folder = "\(scratch)/\(count)-\(thinning)"
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw TesseraError(
                .unavailable, "cannot make \(folder); give another folder with --scratch",
                cause: error)
        }
        let files = try await pool.run { () throws(TesseraError) in
            try sample.write(count, to: folder)
        }
        let base = FileStore(root: folder + "/store")
        let catalog = try Catalog(store: base, index: try IndexName("sample"))
        var settings = IndexSettings(
            index: "sample", metric: sample.metric, scratchFolder: folder)
        settings.shardSize = Int((Double(choices.shardSize) / thinning).rounded())
        settings.thinning = thinning
        settings.bitsPerCode = choices.bitsPerCode
        settings.codeSize = choices.codeSize
        settings.rotation = choices.rotation
        settings.refine = choices.refine
        settings.seed = choices.seed
        settings.queryCount = choices.queries
        settings.queriesPath = sample.queriesPath
        var watch = Stopwatch()
        let source = try await pool.run { () throws(TesseraError) in
            try FileVectors(vectorsPath: files.vectors, idsPath: files.ids)
        }
        _ = try await IndexBuilder(
            settings: settings, source: source, backend: choices.backend, catalog: catalog,
            pool: pool, progress: progress
        ).run()
        let training = watch.lap()
        let manifest = try await catalog.publish(progress: progress).manifest
        let time = BuildTime(
            vectors: count, trainSeconds: training.seconds,
            publishSeconds: watch.elapsed.seconds)
        try? FileManager.default.removeItem(atPath: files.vectors)
        return (try await load(PublishedScale(manifest, base, catalog), nil), time)
    }

    /// Loads a version.
    ///
    /// - Parameter set: the queries to measure with; nil takes those stored with the index.
    func load(
        _ version: PublishedScale, _ set: QuerySet?, residency: Residency = .all
    ) async throws(TesseraError) -> LoadedScale {
        let (manifest, catalog) = (version.manifest, version.catalog)
        let tuner = IndexTuner(catalog, pool: pool, scratchFolder: scratch, progress: progress)
        let kept: QuerySet? =
            if let set { set } else { try await tuner.queries(of: manifest.index) }
        guard let kept else {
            throw TesseraError(.notFound, "index '\(manifest.index.name)' keeps no queries")
        }
        return LoadedScale(
            manifest: manifest, base: version.base, catalog: catalog, truth: kept,
            searcher: try await VersionLoader.load(
                manifest, from: catalog, pool: pool, residency: residency, progress: progress))
    }
}
