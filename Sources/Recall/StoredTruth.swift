// Exact neighbours computed from the refine tier, which rounds vectors, for use when the original
// vectors are no longer at hand. It takes three passes over the shards, each thread on one shard at
// a time: sample queries, compare, and read the neighbours' external ids.
package import Catalog
import ObjectStore
import Search
package import ShardFile
package import TesseraBase
package import VectorCore
import VectorIndex

/// Builds query sets from a published or drafted index.
package struct StoredTruth: Sendable {
    private static let rowsAtOnce = 4096

    private let index: IndexDescription
    private let catalog: Catalog
    private let pool: WorkPool
    private let progress: ProgressHandler

    /// Throws `unsupported` if the index has no refine tier.
    package init(
        _ index: IndexDescription, in catalog: Catalog, pool: WorkPool,
        progress: @escaping ProgressHandler
    ) throws(TesseraError) {
        guard index.refine != RefineEncoding.none.rawValue else {
            throw TesseraError(
                .unsupported,
                "index '\(index.name)' keeps no refine tier to compute exact neighbours from; train it again, which "
                    + "keeps queries with their neighbours")
        }
        self.index = index
        self.catalog = catalog
        self.pool = pool
        self.progress = progress
    }

    /// The exact neighbours of `queries` (`[count][dimension]`, of unit length for cosine).
    package func about(_ queries: Matrix, k: Int) async throws(TesseraError) -> QuerySet {
        try await compare(queries, own: nil, k: min(k, index.vectors))
    }

    /// Samples vectors of the index as queries, seeded by `seed`; each is excluded from its own
    /// neighbours.
    package func sample(_ most: Int, k: Int, seed: UInt64) async throws(TesseraError) -> QuerySet {
        guard index.vectors > 1 else {
            throw TesseraError(
                .invalidArgument, "index '\(index.name)' has a single vector: nothing to find")
        }
        var random = SeededRandom(seed: seed, stream: 0)
        let drawn = random.sample(min(most, index.vectors), below: index.vectors)
        return try await compare(
            try await vectors(drawn, phase: "drawing queries"), own: places(of: drawn),
            k: min(k, index.vectors - 1))
    }

    /// Decodes vectors from the refine tier by number: ascending, counted through all shards in
    /// order.
    package func vectors(_ drawn: [Int], phase: String) async throws(TesseraError) -> Matrix {
        let places = places(of: drawn)
        let parts = try await forEachShard(phase) { shard throws(TesseraError) in
            var rows: [Float] = []
            for place in places where place.shard == shard.ordinal {
                rows += try shard.vector(place.row)
            }
            return rows
        }
        return Matrix(
            rows: places.count, columns: index.dimension, elements: parts.flatMap { $0 })
    }

    /// Shard and row of each numbered vector.
    private func places(of drawn: [Int]) -> [NumericID] {
        var ordinal = 0
        var first = 0
        return drawn.map { number in
            while number >= first + index.shards[ordinal].vectors {
                first += index.shards[ordinal].vectors
                ordinal += 1
            }
            return NumericID(shard: ordinal, row: number - first)
        }
    }

    private func compare(_ queries: Matrix, own: [NumericID]?, k: Int) async throws(TesseraError)
        -> QuerySet
    {
        let metric = Metric(rawValue: index.metric) ?? .l2
        let unseen = ExactNeighbours(
            queries: queries, ownIDs: own?.map(\.rawValue), metric: metric,
            depth: max(ExactNeighbours.usualDepth, k + 1))
        let parts = try await forEachShard("comparing exactly") { shard throws(TesseraError) in
            var truth = unseen
            for first in stride(from: 0, to: shard.head.vectorCount, by: Self.rowsAtOnce) {
                let rows = first..<min(first + Self.rowsAtOnce, shard.head.vectorCount)
                let vectors = try shard.vectors(rows)
                truth.add(vectors) { index in
                    NumericID(shard: shard.ordinal, row: rows.lowerBound + index).rawValue
                }
            }
            return truth
        }
        var truth = unseen
        for part in parts { truth.merge(part) }
        let neighbours = truth.neighbours(k)
        let wanted = Set(neighbours.joined()).union(own?.map(\.rawValue) ?? [])
        let named = try await forEachShard("naming neighbours") { shard throws(TesseraError) in
            try shard.ids(of: wanted)
        }
        let names = named.reduce(into: [UInt64: String]()) { all, part in
            all.merge(part) { first, _ in first }
        }
        return QuerySet(
            queries: queries, k: k, ownIDs: own?.map { names[$0.rawValue] ?? "" },
            neighbours: neighbours.map { ids in ids.map { names[$0] ?? "" } })
    }

    /// Reads and verifies each shard, and returns the results of `body` in shard order.
    private func forEachShard<Output: Sendable>(
        _ phase: String, _ body: @escaping @Sendable (WholeShard) throws(TesseraError) -> Output
    ) async throws(TesseraError) -> [Output] {
        let counter = ProgressCounter(
            phase: phase, total: index.shards.count, unit: "shards", handler: progress)
        return try await pool.map(Array(index.shards.enumerated())) {
            [pool, catalog] item throws(TesseraError) in
            let key = ObjectKind.shard.key(item.element.digest)
            let object = try await catalog.store.get(key)
            let output = try await pool.run { () throws(TesseraError) in
                try body(
                    WholeShard(
                        ordinal: item.offset, head: try ShardHead.verify(object, name: key),
                        object: object))
            }
            counter.advance(by: 1)
            return output
        }
    }
}

/// A shard object in memory.
private struct WholeShard {
    let ordinal: Int
    let head: ShardHead
    let object: [UInt8]

    func vector(_ row: Int) throws(TesseraError) -> [Float] {
        guard row < head.vectorCount, let range = head.refineRange(row: row) else {
            throw head.mismatch
        }
        return head.refine.decode(
            try head.refineRow(object[Int(range.lowerBound)..<Int(range.upperBound)], row: row))
    }

    func vectors(_ rows: Range<Int>) throws(TesseraError) -> Matrix {
        var elements: [Float] = []
        elements.reserveCapacity(rows.count * head.dimension)
        for row in rows { elements += try vector(row) }
        return Matrix(rows: rows.count, columns: head.dimension, elements: elements)
    }

    /// External ids of the `wanted` rows that lie in this shard.
    func ids(of wanted: Set<UInt64>) throws(TesseraError) -> [UInt64: String] {
        var names: [UInt64: String] = [:]
        for raw in wanted where NumericID(rawValue: raw).shard == ordinal {
            let place = head.idPlace(row: NumericID(rawValue: raw).row)
            let block = object[Int(place.range.lowerBound)..<Int(place.range.upperBound)]
            names[raw] = try head.id(Array(block), at: place)
        }
        return names
    }
}
