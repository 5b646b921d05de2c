// Measures operating points and recall certificates of a draft or version with its query set.
// Objects of a remote store are first copied to local disk, since a sweep reads them dozens of
// times.
package import Catalog
import Foundation
import ObjectStore
import Search
package import ShardFile
package import TesseraBase
import VectorCore

/// Measures an index whose objects are all stored.
package struct IndexTuner: Sendable {
    private let catalog: Catalog
    private let pool: WorkPool
    private let scratchFolder: String
    private let progress: ProgressHandler

    /// - Parameter scratchFolder: folder for the copy of a remote store; it needs room for one copy
    ///   of the index.
    package init(
        _ catalog: Catalog, pool: WorkPool, scratchFolder: String,
        progress: @escaping ProgressHandler
    ) {
        self.catalog = catalog
        self.pool = pool
        self.scratchFolder = scratchFolder
        self.progress = progress
    }

    /// The query set that the index was built with; nil if it has none.
    package func queries(of index: IndexDescription) async throws(TesseraError) -> QuerySet? {
        guard let reference = index.queries else { return nil }
        let key = ObjectKind.querySet.key(reference.digest)
        let set = try QuerySetFile.read(try await catalog.store.get(key), name: key)
        guard set.queries.rows == reference.count, set.k == reference.k,
            (set.ownIDs != nil) == (reference.source == .sample)
        else {
            throw TesseraError(.corrupted, "\(key) is not the query set the manifest describes")
        }
        return set
    }

    /// Stores a query set. Throws the store's errors.
    package func store(
        _ set: QuerySet, source: QuerySetReference.Source, truth: QuerySetReference.Truth,
        seed: UInt64
    ) async throws(TesseraError) -> QuerySetReference {
        let image = try QuerySetFile.write(set)
        return QuerySetReference(
            digest: try await catalog.putObject(.querySet, image.bytes),
            bytes: UInt64(image.bytes.count), count: set.queries.rows, k: set.k, source: source,
            truth: truth, seed: seed)
    }

    /// The measurements to make in one run.
    package struct Wanted: Sendable {
        /// Whether to find operating points.
        package var points: Bool
        /// The k of the certificate's recall@k; nil for no certificate.
        package var certificateK: Int?

        package init(points: Bool, certificateK: Int? = nil) {
            self.points = points
            self.certificateK = certificateK
        }
    }

    /// The measurements made.
    package struct Outcome: Sendable {
        /// Operating points, cheapest first.
        package let points: [MeasuredPoint]
        package let certificate: RecallCertificate?
    }

    /// Finds the operating points of the index with `set`, cheapest first.
    package func measure(_ index: IndexDescription, by set: QuerySet) async throws(TesseraError)
        -> [MeasuredPoint]
    {
        try await measure(index, by: set, Wanted(points: true)).points
    }

    /// Makes the `wanted` measurements of the index with `set`. For a certificate, `set` must be
    /// the query set that the index names.
    package func measure(
        _ index: IndexDescription, by set: QuerySet, _ wanted: Wanted
    ) async throws(TesseraError) -> Outcome {
        guard !catalog.store.isLocal else {
            return try await measure(index, set, wanted, in: catalog)
        }
        let folder = "\(scratchFolder)/tessera-tune-\(ProcessInfo.processInfo.processIdentifier)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let copy = try Catalog(store: FileStore(root: folder), index: catalog.index)
        try await fetch(index, into: copy)
        return try await measure(index, set, wanted, in: copy)
    }

    private func measure(
        _ index: IndexDescription, _ set: QuerySet, _ wanted: Wanted, in catalog: Catalog
    ) async throws(TesseraError) -> Outcome {
        // A draft has no version number yet; nothing looks this one up.
        let unpublished = Manifest(
            version: 1, createdAt: Date(timeIntervalSince1970: 0), kind: .publish,
            nonce: "unpublished", index: index)
        // A sweep is a long run of queries, so choose residency as for one.
        let residency = ResidencyChoice.auto.residency(
            of: index, searches: nil, available: AvailableMemory.bytes())
        let searcher = try await VersionLoader.searcher(
            unpublished, from: catalog, pool: pool, cold: false, residency: residency,
            progress: progress)
        let sweep = try RecallSweep(searcher, index, set, pool: pool, progress: progress)
        var certificate: RecallCertificate?
        if let k = wanted.certificateK, let queries = index.queries {
            certificate = try await sweep.certificate(k: k, digest: queries.digest)
        }
        return Outcome(
            points: wanted.points ? try await sweep.run() : [], certificate: certificate)
    }

    private func fetch(_ index: IndexDescription, into copy: Catalog) async throws(TesseraError) {
        let keys =
            [ObjectKind.router.key(index.router.digest)]
            + index.shards.map { ObjectKind.shard.key($0.digest) }
        let counter = ProgressCounter(
            phase: "fetching shards", total: keys.count, unit: "objects", handler: progress)
        _ = try await mapConcurrently(keys, width: 8) { [catalog] key throws(TesseraError) in
            try await copy.store.put(key, try await catalog.store.get(key))
            counter.advance(by: 1)
        }
    }
}
