// Responses of a coordinator, with the fields that measuring needs. openapi.json describes all
// fields.
import Foundation
import SearchTypes
import VectorCore

/// Response to `GET /v1/indexes/{name}`.
struct ServedIndexDocument: Decodable, Sendable {
    struct Point: Decodable, Sendable {
        let nprobe: Int
        let refine: Int
    }

    let version: Int?
    let vectors: Int
    let dimension: Int
    let metric: String?
    let shards: Int
    let lists: Int
    let refine: String?
    let codeBytes: Double
    let partition: String?
    let defaultNprobe: Int
    let defaultRefine: Int
    let maxK: Int
    let operatingPoints: [Point]
}

/// Response to `GET /v1/indexes/{name}/shards`.
struct ServedShardsDocument: Decodable, Sendable {
    struct Shard: Decodable, Sendable {
        let ordinal: Int
        let vectors: Int
        let lists: Int
        let bytes: Double
    }

    let shards: [Shard]
}

/// Response to `GET /stats`.
struct ServerStatsDocument: Decodable, Sendable {
    struct Distribution: Decodable, Sendable {
        let count: Int
        let p50: Double
        let p99: Double
    }

    struct Requests: Decodable, Sendable {
        let refused: Int
    }

    let stages: [String: Distribution]
    let requests: Requests
}

/// Body of an error.
struct ServerErrorDocument: Decodable, Sendable {
    let code: String
    let message: String
}

/// Answer to one query with `explain`.
struct ServedAnswer: Decodable, Sendable {
    struct Result: Decodable, Sendable {
        let id: String
    }

    struct Cost: Decodable, Sendable {
        let shardsOffered: Int
        let shardsTouched: Int
        let listsScanned: Int
        let listsSkipped: Int
        let codesScanned: Int
        let rowsRefined: Int
        let reads: Int
        let roundTrips: Int
        let bytesRead: Int
        let routeUs: Double
        /// Nil from coordinators that count it as a part of routing.
        let chooseListsUs: Double?
        let scanUs: Double
        let refineUs: Double
        let resolveUs: Double

        var receipt: Receipt {
            var receipt = Receipt()
            receipt.shardsOffered = shardsOffered
            receipt.shardsTouched = shardsTouched
            receipt.listsScanned = listsScanned
            receipt.listsSkipped = listsSkipped
            receipt.codesScanned = codesScanned
            receipt.rowsRefined = rowsRefined
            receipt.reads = reads
            receipt.roundTrips = roundTrips
            receipt.bytesRead = bytesRead
            func duration(_ microseconds: Double) -> Duration {
                .nanoseconds(Int64(max(0, min(microseconds, 1e12)) * 1000))
            }
            receipt.route = duration(routeUs)
            receipt.chooseLists = duration(chooseListsUs ?? 0)
            receipt.scan = duration(scanUs)
            receipt.refine = duration(refineUs)
            receipt.resolve = duration(resolveUs)
            return receipt
        }
    }

    let version: Int
    let results: [Result]
    let complete: Bool
    let share: Double?
    let source: String
    let receipt: Cost

    /// The answer without places and distances, which nothing here reads.
    var answer: SearchAnswer {
        SearchAnswer(
            hits: results.map { Hit(id: $0.id, distance: 0, place: NumericID(shard: 0, row: 0)) },
            receipt: receipt.receipt)
    }
}
