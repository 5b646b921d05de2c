// export: writes the shards of a version as files for another program.
import ArgumentParser
import Catalog
import Foundation
import Glibc
import Search
import Terminal
import TesseraBase
import VectorCore

enum ExportFormat: String, ExpressibleByArgument, CaseIterable {
    case faiss
}

struct ExportCommand: ShardctlCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write the shards of a version as files another program opens.",
        discussion: """
            faiss: one IndexIVFPQ a shard, opened by plain faiss.read_index, and beside each a table from Faiss id to \
            external id. The refine tier has no counterpart and stays behind. For cosine, queries must be of unit length.

            EXAMPLE
              shardctl export --store file:///data/idx --index photos --format faiss \\
                --output ./photos-faiss
            """)

    @OptionGroup var target: IndexOptions
    @Option(help: "faiss.")
    var format = ExportFormat.faiss
    @Option(help: "The folder for the files; made where it is missing.")
    var output: String
    @Option(parsing: .unconditional, help: "One shard's ordinal; all unless given.")
    var shard: Int?
    @Option(parsing: .unconditional, help: "The version; the latest unless given.")
    var at: Int?
    @Flag(help: "No progress bar.")
    var quiet = false

    func perform() async throws(TesseraError) {
        let catalog = try target.catalog()
        let manifest = try await catalog.version(at)
        let all = manifest.index.shards.indices
        if let shard, !all.contains(shard) {
            throw TesseraError(
                .invalidArgument,
                "there is no shard \(shard); version \(manifest.version) has shards 0 to \(all.count - 1)"
            )
        }
        let exporter = try await FaissExporter(manifest: manifest, catalog: catalog)
        let bar = ProgressBar(quiet: quiet)
        defer { bar.finish() }
        let chosen = shard.map { [$0] } ?? Array(all)
        try makeFolder()
        for (done, ordinal) in chosen.enumerated() {
            let exported = try await exporter.export(shard: ordinal)
            try write(exported.file, "shard-\(ordinal).faiss")
            let lines = exported.ids.map { "\($0.id)\t\($0.externalID)\n" }.joined()
            try write(lines.utf8, "shard-\(ordinal).ids.tsv")
            bar.handler(
                ProgressUpdate(
                    phase: "exporting", completed: done + 1, total: chosen.count, unit: "shards"))
        }
        bar.finish()
        try Terminal.say("wrote \(chosen.count.counted("shard")) to \(output)")
    }

    /// Creates the output folder and its parents.
    private func makeFolder() throws(TesseraError) {
        var path = output.hasPrefix("/") ? "/" : "./"
        for part in output.split(separator: "/") {
            path += part + "/"
            if unsafe mkdir(path, 0o755) != 0, errno != EEXIST {
                throw WriteFailure.error(errno, output)
            }
        }
        guard FileKind(at: path) != nil else { throw WriteFailure.error(errno, output) }
    }

    private func write(_ bytes: some Sequence<UInt8>, _ name: String) throws(TesseraError) {
        let file = try OutputFile(path: URL(filePath: output).appending(path: name).path)
        try file.write(bytes)
        try file.close()
    }
}
