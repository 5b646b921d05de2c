// query: finds the nearest vectors of each vector in a file.
import ArgumentParser
import Catalog
import Coordinator
import Foundation
import ObjectStore
import Search
import SearchTypes
import Terminal
import TesseraBase
import VectorCore
import VectorIndex

extension ResidencyChoice: ExpressibleByArgument {}
extension SearchEngine: ExpressibleByArgument {}

struct QueryCommand: ShardctlCommand {
    static let configuration = CommandConfiguration(
        commandName: "query",
        abstract: "Find the nearest vectors of each vector in a file.",
        discussion: """
            Writes a line of JSON a query: {"query":0,"hits":[{"id":"…","distance":1.23},…]}, nearest first. \
            Distances: l2 squared Euclidean, ip the negative inner product, cosine one minus the cosine.

            EXAMPLE
              shardctl query --store file:///data/idx --index photos --vectors q.fbin \\
                -k 10 --output hits.jsonl
              shardctl query --store file:///data/idx --index photos --vectors q.fbin \\
                --recall 0.95
            """)

    @OptionGroup var target: IndexOptions
    @Option(help: "The query vectors, in any format train reads.")
    var vectors: String
    @Option(name: .shortAndLong, parsing: .unconditional, help: "Results a query.")
    var k = 10
    @Option(
        parsing: .unconditional,
        help: "Lists scanned a query, over all shards; the manifest's unless given.")
    var nprobe: Int?
    @Option(
        parsing: .unconditional,
        help: "Candidates re-ranked a query; the manifest's, at least 10 k, unless given.")
    var refine: Int?
    @Option(
        parsing: .unconditional,
        help:
            "Use the cheapest settings that find this share of the true neighbours, as measured by publish or tune."
    )
    var recall: Double?
    @Option(parsing: .unconditional, help: "The version; the latest unless given.")
    var at: Int?
    @Option(help: "File for the answers; standard output unless given.")
    var output: String?
    @Option(parsing: .unconditional, help: "Queries a thread takes at a time.")
    var batch = 1
    @OptionGroup var threads: ThreadOptions
    @Flag(
        inversion: .prefixedNo,
        help:
            "Read what a query needs from the store, three round trips each, instead of loading all codes first; by default if the store is not on this machine."
    )
    var cold: Bool?
    @Option(
        help:
            "What is held in memory: codes, or all (refine rows and ids too); auto: all, where that is at most half of the memory left and the queries are many enough to win back its loading."
    )
    var resident = ResidencyChoice.auto
    @Option(
        help:
            "What scans the codes: tessera, or faiss, to compare with; faiss is there in builds with --traits Faiss."
    )
    var engine = SearchEngine.tessera
    @Flag(help: "Add to each line what the query cost.")
    var explain = false
    @Flag(help: "End with a line of JSON that says how long it all took.")
    var stats = false
    @Flag(help: "No progress bar.")
    var quiet = false

    func perform() async throws(TesseraError) {
        try engine.check(cold: cold)
        let bar = ProgressBar(quiet: quiet)
        defer { bar.finish() }
        let queries = try VectorFile.open(path: vectors)
        let (catalog, meter) = try target.reading()
        if cold == false, !catalog.store.isLocal {
            throw TesseraError(
                .unsupported,
                "\(catalog.store.address) cannot be searched in place, only cold; leave out --no-cold"
            )
        }
        try engine.check(cold: cold, isLocal: catalog.store.isLocal)
        let manifest = try await catalog.version(at)
        let options = try options(manifest.index)
        try check(queries, manifest.index)
        for rows in Self.portions(of: queries) {
            // Check all rows before the first answer is written, so that a bad row leaves no
            // partial output.
            _ = try read(queries, rows, metric: Metric(rawValue: manifest.index.metric))
        }
        let pool = try threads.pool()
        let answers = try OutputFile(path: output)
        let watch = Stopwatch()
        let residency = resident.residency(
            of: manifest.index, searches: queries.rows, available: AvailableMemory.bytes())
        let searcher = try await VersionLoader.searcher(
            manifest, from: catalog, pool: pool, cold: cold, residency: residency,
            engine: engine, progress: bar.handler)
        var statistics = QueryStatistics(
            manifest.index, searcher,
            resident: cold ?? !catalog.store.isLocal ? "none" : residency.rawValue, meter: meter,
            load: watch.elapsed)
        for rows in Self.portions(of: queries) {
            let matrix = try read(queries, rows, metric: searcher.metric)
            let result = try await searcher.search(
                matrix, options: options, pool: pool, batch: batch)
            statistics.add(result)
            for (offset, answer) in result.answers.enumerated() {
                let line = AnswerLine(query: rows.lowerBound + offset, answer, explain: explain)
                try answers.write((line.text + "\n").utf8)
            }
            bar.handler(
                ProgressUpdate(
                    phase: "searching", completed: rows.upperBound, total: queries.rows,
                    unit: "queries"))
        }
        try answers.close()
        bar.finish()
        if stats { try Terminal.say(try Terminal.jsonLine(statistics.summary)) }
    }

    private func check(_ queries: VectorFile, _ index: IndexDescription) throws(TesseraError) {
        guard queries.dimension == index.dimension else {
            throw TesseraError(
                .invalidArgument,
                "\(queries.path) has \(queries.dimension) dimensions, index '\(index.name)' has \(index.dimension): "
                    + "make the queries as the index's vectors were made"
            )
        }
    }

    private func options(_ index: IndexDescription) throws(TesseraError) -> SearchOptions {
        let limits = QueryLimits(index)
        guard let recall else {
            return try limits.options(k: k, nprobe: nprobe, refine: refine, batch: batch)
        }
        guard nprobe == nil, refine == nil else {
            throw TesseraError(
                .invalidArgument,
                "--recall chooses the lists and candidates itself; leave out \(nprobe == nil ? "--refine" : "--nprobe")"
            )
        }
        return try limits.options(k: k, recall: recall, batch: batch)
    }

    /// Queries held in memory at once, with their answers.
    private static let queriesAtOnce = 16_384

    private static func portions(of queries: VectorFile) -> [Range<Int>] {
        stride(from: 0, to: queries.rows, by: queriesAtOnce).map { first in
            first..<min(first + queriesAtOnce, queries.rows)
        }
    }

    /// Reads some queries, checks them and normalises them if the metric requires it.
    private func read(_ queries: VectorFile, _ rows: Range<Int>, metric: Metric?)
        throws(TesseraError) -> Matrix
    {
        var matrix = try queries.read(rows: rows)
        if metric?.normalises == true {
            try normalise(&matrix, firstRow: rows.lowerBound, file: vectors)
        }
        return matrix
    }
}
