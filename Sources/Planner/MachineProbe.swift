// Measures the speed of this machine in a few seconds: exact comparison, assignment to cells,
// routing over many shards, and reads from a store.
import Catalog
import Foundation
import ObjectStore
import Reporting
import TesseraBase
import VectorCore
import VectorIndex

/// The measured speeds.
package struct MachineProbe: Sendable, Equatable, Codable {
    /// Bytes of float32 vectors in memory that one thread compares exactly per second.
    package var exactBytesPerSecond: Double
    /// Number of vectors compared to measure that, and seconds of one pass.
    package var exactVectors: Int
    package var exactSeconds: Double
    /// Time to compare a vector with one centroid during assignment, on one thread.
    package var assignNanoseconds: Double
    /// Threads that a build uses.
    package var threads: Int
    /// Speed of the store; nil if it was not measured.
    package var store: StoreSpeed?

    /// Speed of reads from the store.
    package struct StoreSpeed: Sendable, Equatable, Codable {
        package var milliseconds: Double
        package var tailMilliseconds: Double
        package var megabytesPerSecond: Double
    }
}

/// Measures speeds with vectors of the kind that will be searched.
struct MachineProber: Sendable {
    private static let chunk = 4096
    private static let rounds = 3
    private static let centroids = 512
    /// Larger than any processor cache.
    private static let scanBytes = 512 << 20
    private static let reads = 24
    private static let readBytes: UInt64 = 4096

    let metric: Metric
    let pool: WorkPool
    let stop: StopSign

    /// Measures comparison and assignment.
    ///
    /// - Parameters:
    ///   - sample: `[n][dimension]`; repeated until there is enough to scan.
    ///   - scanVectors: number of vectors to compare exactly; fewer if they exceed `budget` bytes.
    func probe(
        _ sample: Matrix, scanVectors: Int, budget: Double, backend: any IndexBackend
    ) async throws(TesseraError) -> MachineProbe {
        try stop.check()
        let row = 4 * sample.columns
        let most = max(Self.chunk, Int(budget) / row)
        let vectors = min(most, max(scanVectors, Self.scanBytes / row))
        let (seconds, assign) = try await pool.run { () throws(TesseraError) in
            (scan(sample, vectors), try assigning(sample, backend))
        }
        return MachineProbe(
            exactBytesPerSecond: Double(vectors * row) / seconds, exactVectors: vectors,
            exactSeconds: seconds, assignNanoseconds: assign, threads: pool.width, store: nil)
    }

    /// Seconds of the fastest pass of one query over `vectors` vectors.
    private func scan(_ sample: Matrix, _ vectors: Int) -> Double {
        var chunks: [Matrix] = []
        for first in stride(from: 0, to: vectors, by: Self.chunk) {
            let rows = min(Self.chunk, vectors - first)
            chunks.append(sample.gathering((first..<first + rows).map { $0 % sample.rows }))
        }
        let query = sample.gathering([0])
        return (0..<Self.rounds).map { _ in
            let watch = Stopwatch()
            var exact = ExactNeighbours(queries: query, ownIDs: nil, metric: metric)
            for chunk in chunks { exact.add(chunk) { UInt64($0) } }
            return watch.elapsed.seconds
        }.min() ?? 0
    }

    /// Nanoseconds to compare a vector with a centroid.
    private func assigning(
        _ sample: Matrix, _ backend: any IndexBackend
    ) throws(TesseraError) -> Double {
        let vectors = sample.gathering((0..<Self.chunk).map { $0 % sample.rows })
        let centroids = sample.gathering((0..<Self.centroids).map { ($0 * 7) % sample.rows })
        var best = Double.infinity
        for _ in 0..<Self.rounds {
            let watch = Stopwatch()
            _ = try backend.assign(vectors, to: centroids)
            best = min(best, watch.elapsed.seconds)
        }
        return best * 1e9 / Double(Self.chunk * Self.centroids)
    }

    /// Microseconds to route a query over `shards` shards, with vectors of the sample as centroids.
    func routing(_ sample: Matrix, shards: Int, lists: Int, offered: Int) async throws(TesseraError)
        -> Double
    {
        try stop.check()
        return try await pool.run { () throws(TesseraError) in
            let columns = sample.columns
            let router = RouterIndex(
                Router(
                    centroids: sample.gathering((0..<shards).map { $0 % sample.rows }),
                    transform: .padding(from: columns, to: columns)), metric: metric)
            var arena = QueryArena()
            let times = (0..<256).map { number in
                let watch = Stopwatch()
                let query = sample.row((number * 31) % sample.rows)
                arena.route(query, router, wanted: offered, lists: lists).finish(&arena)
                return watch.elapsed.seconds * 1e6
            }
            return Statistics.quantile(times.sorted(), 0.5)
        }
    }

    /// Times small reads and one large read of a version's first shard.
    func store(_ catalog: Catalog, _ index: IndexDescription) async throws(TesseraError)
        -> MachineProbe.StoreSpeed
    {
        let shard = index.shards[0]
        let key = ObjectKind.shard.key(shard.digest)
        let small = min(Self.readBytes, shard.bytes)
        var times: [Double] = []
        for number in 0..<Self.reads {
            try stop.check()
            let places = max(1, shard.bytes - small)
            let from = UInt64(number) * 7_919_993 % places
            let watch = Stopwatch()
            _ = try await catalog.store.get(key, range: from..<from + small)
            times.append(watch.elapsed.seconds * 1000)
        }
        let watch = Stopwatch()
        let bytes = try await catalog.store.get(key).count
        let elapsed = watch.elapsed.seconds
        times.sort()
        let median = Statistics.quantile(times, 0.5)
        return MachineProbe.StoreSpeed(
            milliseconds: median, tailMilliseconds: Statistics.quantile(times, 0.99),
            megabytesPerSecond: Double(bytes) / 1e6 / max(1e-9, elapsed - median / 1000))
    }
}
