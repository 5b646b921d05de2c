// inspect: shows what a version consists of, or where an id is.
import ArgumentParser
import Catalog
import Foundation
import ObjectStore
import Search
import Terminal
import TesseraBase
import VectorCore

struct InspectCommand: ShardctlCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract:
            "Show what a version consists of and how its numbers were chosen, or find one id in it.",
        discussion: """
            EXAMPLE
              shardctl inspect --store file:///data/idx --index photos
              shardctl inspect --store file:///data/idx --index photos --at 3 --shards
              shardctl inspect --store file:///data/idx --index photos --id cat-17.jpg
            """)

    @OptionGroup var target: IndexOptions
    @Option(parsing: .unconditional, help: "The version; the latest unless given.")
    var at: Int?
    @Flag(help: "One line a shard.")
    var shards = false
    @Option(help: "Say where this external id is.")
    var id: String?
    @OptionGroup var output: OutputOptions

    func perform() async throws(TesseraError) {
        let catalog = try target.catalog()
        let manifest = try await catalog.version(at)
        if let id {
            let place = try await IDLookup(manifest: manifest, catalog: catalog).place(of: id)
            guard let place else {
                throw TesseraError(
                    .notFound, "version \(manifest.version) of '\(target.index)' has no id '\(id)'")
            }
            try output.answer(
                ["shard": place.shard, "row": place.row],
                ["'\(id)' is row \(place.row) of shard \(place.shard)"])
            return
        }
        try output.answer(manifest, lines(manifest))
    }

    private func lines(_ manifest: Manifest) -> [String] {
        let index = manifest.index
        let codes = index.quantizer.subquantizers * index.quantizer.bits / 8
        let lists = index.shards.reduce(0) { $0 + $1.lists }
        let origin =
            manifest.rollbackOf.map { "rollback to version \($0)" }
            ?? manifest.tuneOf.map { "version \($0) measured anew" } ?? "published"
        var lines = [
            "\(index.name) version \(manifest.version), \(origin) \(manifest.createdAt.formatted(.iso8601))",
            "  vectors    \(index.vectors.grouped) x \(index.dimension) \(index.elementType), metric \(index.metric)",
            "  shards     \(index.shards.count) of about \(index.shardSize.grouped) (partition \(index.partition)), \(lists.counted("list"))",
            "  code       \(codes) bytes: \(index.quantizer.subquantizers) x \(index.quantizer.bits) bits over "
                + "\(index.quantizer.subdimension) dimensions each\(index.quantizer.rotation ? ", rotated" : "")",
            "  refine     \(index.refine)",
            "  search     nprobe \(index.search.nprobe), refine depth \(index.search.refineDepth), "
                + "\(index.search.probeShards.counted("shard")) offered",
            "  backend    \(index.backend.name) \(index.backend.version), seed \(index.seed)",
            "  input      sha256 \(index.inputDigest)",
            "  stored     \(index.shards.reduce(UInt64(0)) { $0 + $1.bytes }.asSize) in shards, "
                + "\(index.idTables.reduce(UInt64(0)) { $0 + $1.bytes }.asSize) in id tables",
        ]
        lines += index.rules.sorted { $0.key < $1.key }.map {
            "  rule       \($0.key) = \($0.value)"
        }
        lines += PublishCommand.certificateLine(manifest).map { "  certified  \($0)" }
        lines += recallLines(index)
        guard shards else { return lines }
        lines += index.shards.enumerated().map { ordinal, shard in
            "  shard \(ordinal)  \(shard.vectors.counted("vector"))  \(shard.lists.counted("list"))  \(shard.bytes.asSize)  \(shard.digest)"
        }
        return lines
    }

    private func recallLines(_ index: IndexDescription) -> [String] {
        guard let queries = index.queries else { return [] }
        let source = queries.source == .sample ? "drawn from the vectors" : "given"
        return [
            "  queries    \(queries.count.grouped) \(source), exact neighbours by "
                + (queries.truth == .vectors ? "the vectors themselves" : "the refine tier")
        ]
            + (index.operatingPoints ?? []).map { point in
                "  recall     \(point.recall.fixed(4)) +- \(point.standardError.fixed(4)) with nprobe \(point.nprobe), "
                    + "refine depth \(point.refineDepth): \(Int(point.codesScanned).grouped) codes, "
                    + "\(Int(point.rowsRefined).grouped) rows"
            }
    }
}
