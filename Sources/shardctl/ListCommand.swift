// list: shows the indexes of a store, or the versions and drafts of an index.
import ArgumentParser
import Catalog
import Foundation
import ObjectStore
import Terminal
import TesseraBase

struct ListCommand: ShardctlCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the indexes of a store, or the versions and drafts of one.",
        discussion: """
            EXAMPLE
              shardctl list --store file:///data/idx
              shardctl list --store file:///data/idx --index photos
            """)

    @OptionGroup var place: StoreOptions
    @Option(help: "One index; all of the store unless given.")
    var index: String?
    @OptionGroup var output: OutputOptions

    func perform() async throws(TesseraError) {
        let opened = try place.open().uncached
        guard let index else {
            let names = try await listIndexes(in: opened).map(\.text)
            try output.answer(
                ["indexes": names], names.isEmpty ? ["no indexes in \(place.store)"] : names)
            return
        }
        let catalog = try Catalog(store: opened, index: try IndexName(index))
        let versions = try await catalog.versions()
        let drafts = try await catalog.drafts()
        let rows = versions.map { VersionRow($0) }
        try output.answer(
            IndexListing(versions: rows, drafts: drafts.map(\.id)),
            rows.map(\.line)
                + drafts.map { "draft \($0.id)  \($0.index.vectors.counted("vector"))" })
    }
}

private struct IndexListing: Encodable {
    let versions: [VersionRow]
    let drafts: [String]
}

private struct VersionRow: Encodable {
    let version: Int
    let state: String
    let createdAt: Date?
    let vectors: Int?
    let shards: Int?
    let origin: String?

    init(_ entry: VersionEntry) {
        version = entry.number
        let manifest = entry.manifest
        createdAt = manifest?.createdAt
        vectors = manifest?.index.vectors
        shards = manifest?.index.shards.count
        origin = manifest.map { manifest in
            manifest.rollbackOf.map { "rollback of \($0)" }
                ?? manifest.tuneOf.map { "tune of \($0)" } ?? "publish"
        }
        state =
            switch entry.state {
            case .published: "published"
            case .collected: "collected"
            case .unreadable(let error): "unreadable: \(error)"
            }
    }

    var line: String {
        guard let createdAt, let vectors, let shards, let origin else {
            return "version \(version)  \(state)"
        }
        return
            "version \(version)  \(createdAt.formatted(.iso8601))  \(vectors.counted("vector"))  "
            + "\(shards.counted("shard"))  \(origin)"
    }
}
