// Finds the vector of an external id or of a row, as the refine tier stores it.
package import Catalog
import ObjectStore
import ShardFile
package import TesseraBase
package import VectorCore
import VectorIndex

/// Looks up vectors in one version.
package struct VectorLookup: Sendable {
    /// Shards read concurrently.
    private static let concurrency = 8

    private let manifest: Manifest
    private let catalog: Catalog

    package init(manifest: Manifest, catalog: Catalog) {
        self.manifest = manifest
        self.catalog = catalog
    }

    /// The vector of an id, `[dimension]`; nil for an unknown id.
    ///
    /// - Throws: `unsupported` if the version has no refine tier, `corrupted` if an object does not
    ///   match its checksums.
    package func vector(of id: String) async throws(TesseraError) -> [Float]? {
        try check()
        guard let place = try await IDLookup(manifest: manifest, catalog: catalog).place(of: id)
        else { return nil }
        return try await vectors(at: [place], held: [:])[0]
    }

    /// The vectors of rows, `[dimension]` each, in input order. Rows of one shard are read
    /// together.
    ///
    /// - Parameter held: shards in memory, by ordinal.
    /// - Throws: `invalidArgument` for a row that does not exist, else as ``vector(of:)``.
    func vectors(
        at places: [NumericID], held: [Int: ResidentShard]
    ) async throws(TesseraError) -> [[Float]] {
        try check()
        var numbers: [Int: [Int]] = [:]
        for (number, place) in places.enumerated() {
            guard manifest.index.shards.indices.contains(place.shard),
                place.row < manifest.index.shards[place.shard].vectors
            else {
                throw TesseraError(
                    .invalidArgument,
                    "version \(manifest.version) of '\(manifest.index.name)' has no row \(place.row) in shard \(place.shard)"
                )
            }
            numbers[place.shard, default: []].append(number)
        }
        var vectors = [[Float]](repeating: [], count: places.count)
        let shards = numbers.sorted { $0.key < $1.key }
        let found = try await mapConcurrently(shards, width: Self.concurrency) {
            shard, numbers async throws(TesseraError) in
            try await rows(numbers.map { places[$0].row }, of: shard, held[shard])
        }
        for ((_, numbers), rows) in zip(shards, found) {
            for (number, row) in zip(numbers, rows) { vectors[number] = row }
        }
        return vectors
    }

    /// The vectors of rows, `[dimension]` each, from memory where their shard is held. Throws as
    /// ``vectors(at:held:)`` does.
    package func vectors(
        at places: [NumericID], from source: ShardSource
    ) async throws(TesseraError) -> [[Float]] {
        let there = Set(places.map(\.shard)).filter { $0 < source.objects.shardCount }
        let lease = source.held(there.sorted())
        defer { withExtendedLifetime(lease) {} }
        return try await vectors(at: places, held: lease?.shards ?? [:])
    }

    private func rows(
        _ rows: [Int], of ordinal: Int, _ held: ResidentShard?
    ) async throws(TesseraError) -> [[Float]] {
        if let held, let resident = held.storage.rows {
            return rows.map { row in
                held.head.refine.decode(
                    resident.payload(row: row, dimension: held.head.dimension)[...])
            }
        }
        let objects = try VersionObjects(manifest.index, from: catalog)
        let (store, key) = (objects.store, objects.key(ordinal))
        return try await store.rereadingOnce(key) { () async throws(TesseraError) in
            var head = held?.head
            if head == nil { head = try await objects.head(ordinal) }
            guard let head else { return [] }
            let ranges = rows.compactMap { head.refineRange(row: $0) }
            guard ranges.count == rows.count else {
                throw head.mismatch
            }
            let parts = try await store.get(key, ranges: ranges)
            var vectors: [[Float]] = []
            for (row, bytes) in zip(rows, parts) {
                vectors.append(head.refine.decode(try head.refineRow(bytes[...], row: row)))
            }
            return vectors
        }
    }

    private func check() throws(TesseraError) {
        guard manifest.index.refine != RefineEncoding.none.rawValue else {
            throw TesseraError(
                .unsupported,
                "version \(manifest.version) of '\(manifest.index.name)' keeps no vectors, only their codes; "
                    + "train it with a refine tier")
        }
    }
}
