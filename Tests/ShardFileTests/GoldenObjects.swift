// The golden objects of format version 1: small, made by hand, and kept for ever.
// `Golden/v1/zstd-version` names the zstd that wrote them.
import Foundation
import ShardFile
import TesseraBase
import VectorCore
import VectorIndex

/// A golden file, and how today's writer makes it.
enum GoldenObject: String, CaseIterable {
    case shardL2 = "shard-l2-sq8-4bit"
    case shardInnerProduct = "shard-ip-f16-8bit"
    case shardCosine = "shard-cosine-none-4bit"
    case routerPadded = "router-padded"
    case routerRotated = "router-rotated"
    case idTable = "id-table"
    case querySetSampled = "query-set-sampled"
    case querySetGiven = "query-set-given"

    static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "Golden/v1")
    static let versionFile = folder.appending(path: "zstd-version")

    var file: URL { Self.folder.appending(path: rawValue + ".tsr") }

    var kind: ContainerKind {
        switch self {
        case .shardL2, .shardInnerProduct, .shardCosine: .shard
        case .routerPadded, .routerRotated: .router
        case .idTable: .idTable
        case .querySetSampled, .querySetGiven: .querySet
        }
    }

    func stored() throws -> [UInt8] { Array(try Data(contentsOf: file)) }

    func written() throws(TesseraError) -> [UInt8] {
        switch self {
        case .shardL2, .shardInnerProduct, .shardCosine:
            try ShardWriter.write(contents ?? ShardFixture.contents()).bytes
        case .routerPadded, .routerRotated: try RouterFile.write(router).bytes
        case .idTable: try IdTable.write(Self.entries, hashes: 0...UInt64.max).bytes
        case .querySetSampled, .querySetGiven: try QuerySetFile.write(querySet).bytes
        }
    }

    /// What a golden shard holds; nil for other objects.
    var contents: ShardContents? {
        switch self {
        case .shardL2: ShardFixture.contents(metric: .l2, refine: .sq8, bits: 4)
        case .shardInnerProduct: ShardFixture.contents(metric: .innerProduct, refine: .f16, bits: 8)
        case .shardCosine: ShardFixture.contents(metric: .cosine, refine: .none, bits: 4)
        case .routerPadded, .routerRotated, .idTable, .querySetSampled, .querySetGiven: nil
        }
    }

    /// What the golden routers hold.
    var router: Router {
        let centroids = Matrix(rows: 2, columns: 3, elements: [1, 2, 3, -4, 5.5, 0.25])
        let rotation = Matrix(
            rows: 4, columns: 3, elements: [0, 1, 0, 0, 0, -1, 1, 0, 0, 0, 0, 0])
        return Router(
            centroids: centroids,
            transform: self == .routerRotated ? .rotation(rotation) : .padding(from: 3, to: 4))
    }

    /// What the golden query sets hold.
    var querySet: QuerySet {
        QuerySet(
            queries: Matrix(rows: 2, columns: 3, elements: [1, 2, 3, -4, 5.5, 0.25]), k: 2,
            ownIDs: self == .querySetSampled ? ["", "grün"] : nil,
            neighbours: [["a", "grün"], ["", "a", "b"]])
    }

    /// What the golden id table holds: the hashes of "0" to "599", in two buckets.
    static let entries: [IdTableEntry] = (0..<600).map { row in
        IdTableEntry(
            hash: StableHash.hash(Array(String(row).utf8)),
            id: NumericID(shard: row % 3, row: row / 3))
    }.sorted { ($0.hash, $0.id) < ($1.hash, $1.id) }
}
