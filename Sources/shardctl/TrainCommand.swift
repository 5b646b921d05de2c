// train: builds a draft from a file of vectors.
import ArgumentParser
import Catalog
import Foundation
import Indexer
import Reporting
import Terminal
import TesseraBase
import VectorCore
import VectorIndex

extension Metric: ExpressibleByArgument {}
extension RefineEncoding: ExpressibleByArgument {}
extension PartitionMode: ExpressibleByArgument {}
extension DuplicatePolicy: ExpressibleByArgument {}

struct TrainCommand: ShardctlCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Build a draft of an index from a file of vectors.",
        discussion: """
            Reads .fvecs .bvecs .fbin .u8bin .i8bin .npy, cuts the vectors into shards, trains and encodes each, \
            and stores them. A draft is not searched until it is published. Lists, code size and probes are computed; the \
            rules are kept in the manifest.

            EXAMPLE
              shardctl train --store file:///data/idx --index photos --vectors base.fbin \\
                --ids ids.txt --metric l2
            """)

    @OptionGroup var target: IndexOptions
    @Option(help: "The vectors.")
    var vectors: String
    @Option(help: "External ids, one a line; row numbers unless given.")
    var ids: String?
    @Option(help: "l2, ip or cosine.")
    var metric = Metric.l2
    @Option(help: "cells: a shard is a region of space. none: shards by input order.")
    var partition = PartitionMode.cells
    @Option(parsing: .unconditional, help: "Vectors a shard aims at.")
    var shardSize = AutomaticParameters.shardSize
    @Option(parsing: .unconditional, help: "Bits of a subquantizer's code: 4 or 8.")
    var bits = 4
    @Option(
        parsing: .unconditional,
        help:
            "Bytes of a vector's code; unless given, with a byte beside it at most dimension / 4 up to 64 bytes, dimension / 8 from 512 dimensions on."
    )
    var codeSize: Int?
    @Flag(help: "Learn an OPQ rotation first.")
    var opq = false
    @Option(
        help:
            "What candidates are re-ranked by: sq8, sq16, f16 or none; sq8 for vectors of bytes, which it keeps exactly, and sq16 for others unless given."
    )
    var refine: RefineEncoding?
    @Option(help: "refuse: ids must be unique. last: the last vector of an id counts.")
    var onDuplicate = DuplicatePolicy.refuse
    @Option(help: "mock or faiss; the best this build has unless given.")
    var backend: String?
    @Option(
        help: "Real queries to measure recall by; vectors are drawn as queries unless given.")
    var queries: String?
    @Option(
        parsing: .unconditional,
        help: "Queries to keep, with their exact neighbours, to measure recall by; 0: none.")
    var tuneQueries = QuerySetBuilder.defaultCount
    @Option(
        parsing: .unconditional,
        help: "The random seed: the same seed and input give the same index.")
    var seed: UInt64 = 1
    @Option(help: "Folder for scratch data, as large as the vectors; the system's unless given.")
    var scratch: String?
    @OptionGroup var threads: ThreadOptions
    @OptionGroup var output: OutputOptions

    func perform() async throws(TesseraError) {
        let bar = output.progress
        let watch = Stopwatch()
        let trainer = try backend.map { name throws(TesseraError) in try Backends.named(name) }
        let catalog = try target.catalog()
        let pool = try threads.pool()
        defer { bar.finish() }
        // A store that cannot be reached should say so before the ids are read.
        _ = try await catalog.latestVersionNumber()
        let source = try await pool.run { [vectors, ids] () throws(TesseraError) in
            try FileVectors(vectorsPath: vectors, idsPath: ids)
        }
        let builder = IndexBuilder(
            settings: settings, source: source, backend: trainer ?? Backends.default,
            catalog: catalog, pool: pool, progress: bar.handler)
        let draft = try await builder.run()
        bar.finish()
        let summary = TrainSummary(draft, elapsed: watch.elapsed)
        try output.answer(summary, summary.lines(target))
    }

    private var settings: IndexSettings {
        var settings = IndexSettings(
            index: target.index, metric: metric,
            scratchFolder: scratch ?? FileManager.default.temporaryDirectory.path)
        settings.partition = partition
        settings.shardSize = shardSize
        settings.bitsPerCode = bits
        settings.codeSize = codeSize
        settings.rotation = opq
        settings.refine = refine
        settings.onDuplicate = onDuplicate
        settings.seed = seed
        settings.queriesPath = queries
        settings.queryCount = tuneQueries
        return settings
    }
}

/// The answer of `train`.
private struct TrainSummary: Encodable {
    let draft: String
    let vectors: Int
    let dimension: Int
    let shards: Int
    let lists: Int
    let bytes: UInt64
    let codeBytesPerVector: Int
    let backend: String
    let seconds: Double
    let vectorsPerSecond: Double

    init(_ draft: Draft, elapsed: Duration) {
        let index = draft.index
        self.draft = draft.id
        vectors = index.vectors
        dimension = index.dimension
        shards = index.shards.count
        lists = index.shards.reduce(0) { $0 + $1.lists }
        bytes = index.shards.reduce(0) { $0 + $1.bytes }
        codeBytesPerVector = index.quantizer.subquantizers * index.quantizer.bits / 8
        backend = "\(index.backend.name) \(index.backend.version)"
        seconds = elapsed.seconds.rounded(to: 3)
        vectorsPerSecond = (Double(vectors) / elapsed.seconds).rounded()
    }

    func lines(_ target: IndexOptions) -> [String] {
        [
            "draft \(draft): \(vectors.counted("vector")) of \(dimension) dimensions in \(shards.counted("shard")), "
                + "\(lists.counted("list")), \(codeBytesPerVector) bytes a code, \(bytes.asSize)",
            "trained by \(backend) in \(seconds) s (\(Int(vectorsPerSecond).grouped) vectors/s)",
            "next: shardctl publish --store \(target.store) --index \(target.index)",
        ]
    }
}
