// Answers of the routes that are asked now and then: IndexList, IndexDetail and the others of
// openapi.json. The encoder turns their names into the document's snake case.
import Catalog
import Foundation
import ObjectStore

/// A value or null. The document requires the name in both cases, which `Optional` would leave out.
struct Nullable<Value: Encodable>: Encodable {
    let value: Value?

    init(_ value: Value?) {
        self.value = value
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if let value { try container.encode(value) } else { try container.encodeNil() }
    }
}

struct IndexList: Encodable {
    let indexes: [IndexSummary]
}

struct IndexSummary: Encodable {
    let name: String
    let version: Nullable<Int>
    let vectors: Int
    let dimension: Int
    let metric: Nullable<String>
    let shards: Int

    init(_ index: ServedIndex) {
        let manifest = index.manifest
        name = index.name
        version = Nullable(manifest?.version)
        vectors = manifest?.index.vectors ?? 0
        dimension = manifest?.index.dimension ?? 0
        metric = Nullable(manifest?.index.metric)
        shards = manifest?.index.shards.count ?? 0
    }
}

struct IndexDetail: Encodable {
    struct Point: Encodable {
        let nprobe: Int
        let refine: Int
        let recall: Double
        let standardError: Double
        let codesScanned: Double
        let rowsRefined: Double
    }

    let name: String
    let version: Nullable<Int>
    let createdAt: Nullable<Date>
    let kind: Nullable<String>
    let vectors: Int
    let dimension: Int
    let metric: Nullable<String>
    let shards: Int
    let lists: Int
    let bytes: UInt64
    let elementType: Nullable<String>
    let refine: Nullable<String>
    let codeBytes: Double
    let partition: Nullable<String>
    let defaultNprobe: Int
    let defaultRefine: Int
    let maxK: Int
    let maxBatch: Int
    let recallK: Nullable<Int>
    let operatingPoints: [Point]
    let problem: Nullable<String>

    init(_ index: ServedIndex, _ limits: ServiceLimits) {
        let manifest = index.manifest
        let content = manifest?.index
        name = index.name
        version = Nullable(manifest?.version)
        createdAt = Nullable(manifest?.createdAt)
        kind = Nullable(manifest?.kind.rawValue)
        vectors = content?.vectors ?? 0
        dimension = content?.dimension ?? 0
        metric = Nullable(content?.metric)
        shards = content?.shards.count ?? 0
        lists = content?.shards.reduce(0) { $0 + $1.lists } ?? 0
        bytes = content?.shards.reduce(0) { $0 + $1.bytes } ?? 0
        elementType = Nullable(content?.elementType)
        refine = Nullable(content?.refine)
        codeBytes = content.map { Double($0.quantizer.subquantizers * $0.quantizer.bits) / 8 } ?? 0
        partition = Nullable(content?.partition)
        defaultNprobe = content?.search.nprobe ?? 0
        defaultRefine = content?.search.refineDepth ?? 0
        maxK = min(limits.results, vectors)
        maxBatch = limits.batch
        recallK = Nullable(content?.operatingPoints == nil ? nil : content?.queries?.k)
        operatingPoints = (content?.operatingPoints ?? []).map {
            Point(
                nprobe: $0.nprobe, refine: $0.refineDepth, recall: $0.recall,
                standardError: $0.standardError, codesScanned: $0.codesScanned,
                rowsRefined: $0.rowsRefined)
        }
        problem = Nullable(index.status.problem)
    }
}

struct VersionList: Encodable {
    struct Version: Encodable {
        let version: Int
        let state: String
        let createdAt: Nullable<Date>
        let kind: Nullable<String>
        let rollbackOf: Nullable<Int>
        let draft: Nullable<String>
        let vectors: Nullable<Int>
        let shards: Nullable<Int>

        init(_ entry: VersionEntry) {
            let manifest = entry.manifest
            version = entry.number
            state =
                switch entry.state {
                case .published: "published"
                case .collected: "collected"
                case .unreadable: "unreadable"
                }
            createdAt = Nullable(manifest?.createdAt)
            kind = Nullable(manifest?.kind.rawValue)
            rollbackOf = Nullable(manifest?.rollbackOf)
            draft = Nullable(manifest?.draft)
            vectors = Nullable(manifest?.index.vectors)
            shards = Nullable(manifest?.index.shards.count)
        }
    }

    struct WaitingDraft: Encodable {
        let id: String
        let createdAt: Date
        let vectors: Int
        let shards: Int

        init(_ draft: Draft) {
            id = draft.id
            createdAt = draft.createdAt
            vectors = draft.index.vectors
            shards = draft.index.shards.count
        }
    }

    let index: String
    let serving: Nullable<Int>
    let versions: [Version]
    let drafts: [WaitingDraft]

    init(_ versions: IndexVersions) {
        index = versions.index
        serving = Nullable(versions.serving)
        self.versions = versions.versions.map(Version.init)
        drafts = versions.drafts.map(WaitingDraft.init)
    }
}

struct ShardList: Encodable {
    struct Shard: Encodable {
        let ordinal: Int
        let digest: String
        let vectors: Int
        let lists: Int
        let bytes: UInt64
    }

    let index: String
    let version: Int
    let shards: [Shard]

    init(_ index: String, _ manifest: Manifest) {
        self.index = index
        version = manifest.version
        shards = manifest.index.shards.enumerated().map { ordinal, shard in
            Shard(
                ordinal: ordinal, digest: shard.digest.hex, vectors: shard.vectors,
                lists: shard.lists, bytes: shard.bytes)
        }
    }
}

struct PublicationDocument: Encodable {
    let index: String
    let version: Int
    let kind: String
    let vectors: Int
    let alreadyPublished: Bool

    init(_ manifest: Manifest, alreadyPublished: Bool) {
        index = manifest.index.name
        version = manifest.version
        kind = manifest.kind.rawValue
        vectors = manifest.index.vectors
        self.alreadyPublished = alreadyPublished
    }
}

struct Health: Encodable {
    let status = "ok"
    let uptimeS: Double
}

struct Readiness: Encodable {
    struct Index: Encodable {
        let name: String
        let ready: Bool
        let version: Nullable<Int>
        let problem: Nullable<String>
    }

    let ready: Bool
    let closing: Bool
    let indexes: [Index]

    init(_ indexes: [ServedIndex], isClosing: Bool) {
        self.indexes = indexes.map { index in
            let status = index.status
            return Index(
                name: index.name, ready: status.version != nil, version: Nullable(status.version),
                problem: Nullable(status.problem))
        }
        closing = isClosing
        ready = !isClosing && !self.indexes.isEmpty && self.indexes.allSatisfy(\.ready)
    }
}

struct ErrorDocument: Encodable {
    struct Details: Encodable {
        let field: String?
        let limit: Int?
        let offset: Int?
    }

    let code: String
    let message: String
    let details: Details

    init(_ error: APIError) {
        code = error.code.rawValue
        message = error.message
        details = Details(field: error.field, limit: error.limit, offset: error.offset)
    }
}
