// Measures what queries straight from the store read, and how long they take: in a process with
// nothing open, and with all shards open that the same queries need.
import Catalog
import ObjectStore
import Reporting
import Search
import SearchTypes
import TesseraBase
import VectorCore

/// Searches cold and warm, counting requests.
struct StoreStage: Sendable {
    private let analyzer: Analyzer
    private let queries: Matrix

    init(_ analyzer: Analyzer, _ selection: QuerySelection) {
        self.analyzer = analyzer
        let count = min(analyzer.plan.coldQueries, selection.queries.rows)
        queries = selection.queries.gathering(Array(0..<count))
    }

    /// Runs both measurements; nil if the plan wants no cold queries.
    func measure(_ options: SearchOptions) async throws(TesseraError) -> (
        cold: StoreReads, warm: StoreReads
    )? {
        guard queries.rows > 0 else { return nil }
        let meter = MeteredStore(analyzer.base)
        let catalog = try Catalog(store: meter, index: analyzer.catalog.index)
        var cold = Sums()
        for query in 0..<queries.rows {
            try analyzer.stop.check()
            let searcher = try await ColdSearcher(
                analyzer.manifest, from: catalog, pool: analyzer.pool)
            try await cold.add(searcher, query, queries, options, meter)
            analyzer.progress(
                ProgressUpdate(
                    phase: "straight from the store", completed: query + 1, total: queries.rows,
                    unit: "queries"))
        }
        let searcher = try await ColdSearcher(analyzer.manifest, from: catalog, pool: analyzer.pool)
        var opening = Sums()
        var warm = Sums()
        for query in 0..<queries.rows {
            try await opening.add(searcher, query, queries, options, meter)
        }
        for query in 0..<queries.rows {
            try analyzer.stop.check()
            try await warm.add(searcher, query, queries, options, meter)
        }
        return (cold.means, warm.means)
    }

    private struct Sums {
        private var roundTrips = 0
        private var requests = 0
        private var bytes: UInt64 = 0
        private var milliseconds: [Double] = []

        mutating func add(
            _ searcher: ColdSearcher, _ query: Int, _ queries: Matrix, _ options: SearchOptions,
            _ meter: MeteredStore
        ) async throws(TesseraError) {
            let before = meter.usage
            let watch = Stopwatch()
            let answer = try await searcher.search(Array(queries.row(query)), options: options)
            milliseconds.append(watch.elapsed.seconds * 1000)
            let used = meter.usage - before
            roundTrips += answer.receipt.roundTrips
            requests += used.requests
            bytes += used.bytesRead
        }

        var means: StoreReads {
            let count = Double(max(1, milliseconds.count))
            let sorted = milliseconds.sorted()
            return StoreReads(
                queries: milliseconds.count,
                roundTrips: (Double(roundTrips) / count).rounded(to: 2),
                requests: (Double(requests) / count).rounded(to: 1),
                bytes: (Double(bytes) / count).rounded(to: 0),
                p50Milliseconds: Statistics.quantile(sorted, 0.5).rounded(to: 3),
                p99Milliseconds: Statistics.quantile(sorted, 0.99).rounded(to: 3))
        }
    }
}
