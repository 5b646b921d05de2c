// What Scripts/read-shard.py prints of an object, and what it should print of the fixtures.
import ShardFile
import VectorCore
import VectorIndex

/// A shard, list by list.
struct ShardDump: Codable, Equatable {
    let metric: String
    let refine: String
    let dimension: Int
    let bits: Int
    let origin: [Float]
    let centroidStep: Float
    let centroids: [[Int8]]
    let codebooks: [Float]
    let minimum: [Float]
    let step: [Float]
    let lists: [ListDump]

    struct ListDump: Codable, Equatable {
        let codes: [[UInt8]]
        let bias: [UInt8]
        let biasOffset: Float
        let biasStep: Float
        let rows: [[UInt8]]
        let ids: [String]
    }

    init(_ contents: ShardContents) {
        let model = contents.encoded.model
        metric = contents.metric.rawValue
        refine = contents.refine.encoding.rawValue
        dimension = contents.vectors.columns
        bits = model.shape.bitsPerCode
        origin = model.origin
        centroidStep = model.centroidStep
        let width = model.shape.paddedDimension
        centroids = (0..<model.listCount).map {
            Array(model.centroidCodes[$0 * width..<($0 + 1) * width])
        }
        codebooks = model.codebooks.centroids
        minimum = contents.refine.minimum
        step = contents.refine.step
        let count = model.shape.subquantizerCount
        lists = contents.encoded.lists.map { list in
            ListDump(
                codes: list.members.indices.map {
                    Array(list.codes[$0 * count..<($0 + 1) * count])
                },
                bias: list.bias, biasOffset: list.biasOffset, biasStep: list.biasStep,
                rows: contents.refine.encoding == .none
                    ? [] : list.members.map { contents.refine.encode(contents.vectors.row($0)) },
                ids: list.members.map { String(decoding: contents.ids[$0], as: UTF8.self) })
        }
    }
}

/// A router.
struct RouterDump: Codable, Equatable {
    let paddedDimension: Int
    let centroids: [[Float]]
    let rotation: [[Float]]?

    init(_ router: Router) {
        paddedDimension = router.transform.outputDimension
        centroids = Self.rows(router.centroids)
        if case .rotation(let matrix) = router.transform {
            rotation = Self.rows(matrix)
        } else {
            rotation = nil
        }
    }

    private static func rows(_ matrix: Matrix) -> [[Float]] {
        (0..<matrix.rows).map { Array(matrix.row($0)) }
    }
}

/// An id table: pairs of hash and numeric id.
struct IDTableDump: Codable, Equatable {
    let entries: [[UInt64]]
}

/// A query set.
struct QuerySetDump: Codable, Equatable {
    let k: Int
    let queries: [[Float]]
    let ownIDs: [String]?
    let neighbours: [[String]]

    init(_ set: QuerySet) {
        k = set.k
        queries = (0..<set.queries.rows).map { Array(set.queries.row($0)) }
        ownIDs = set.ownIDs
        neighbours = set.neighbours
    }
}
