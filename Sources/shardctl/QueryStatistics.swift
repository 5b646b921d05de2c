// Times and counts of a run of queries, for scripts that measure from outside.
import Catalog
import Foundation
import ObjectStore
import Reporting
import Search
import SearchTypes
import TesseraBase

/// Adds up a run.
struct QueryStatistics {
    private let index: IndexDescription
    private let searcher: any VersionSearcher
    private let resident: String
    private let meter: MeteredStore?
    private let load: Duration
    private var elapsed = Duration.zero
    private var latencies: [Double] = []
    private var codesScanned = 0
    private var rowsRefined = 0
    private var reads = 0
    private var roundTrips = 0

    /// Starts a run.
    ///
    /// - Parameter resident: the part of the index in memory: `all`, `codes` or `none`.
    init(
        _ index: IndexDescription, _ searcher: any VersionSearcher, resident: String,
        meter: MeteredStore?, load: Duration
    ) {
        self.resident = resident
        self.meter = meter
        self.index = index
        self.searcher = searcher
        self.load = load
    }

    mutating func add(_ result: BatchAnswers) {
        elapsed += result.elapsed
        latencies += result.latencies.map { $0.seconds * 1000 }
        codesScanned += result.answers.reduce(0) { $0 + $1.receipt.codesScanned }
        rowsRefined += result.answers.reduce(0) { $0 + $1.receipt.rowsRefined }
        reads += result.answers.reduce(0) { $0 + $1.receipt.reads }
        roundTrips += result.answers.reduce(0) { $0 + $1.receipt.roundTrips }
    }

    /// Written in snake case. Counts are means per query; names end in their units.
    struct Summary: Encodable {
        let engine: String
        /// The part of the index in memory: `all`, `codes` or, for a cold search, `none`.
        let resident: String
        let queries: Int
        let loadS: Double
        let searchS: Double
        let qps: Double
        let p50Ms: Double
        let p99Ms: Double
        let codesScanned: Double
        let rowsRefined: Double
        let reads: Double
        let roundTrips: Double
        let codesMb: Double
        let codesShareOfFloat32: Double
        let modelMb: Double
        let rssMb: Double
        /// Requests sent, megabytes received and their cost at S3's list price, for the whole run.
        /// Nil unless the store is remote.
        let requests: Int?
        let receivedMb: Double?
        let dollars: Double?
    }

    var summary: Summary {
        let sorted = latencies.sorted()
        let usage = meter?.usage
        let count = Double(max(1, latencies.count))
        let plain = Double(index.vectors * index.dimension * 4)
        return Summary(
            engine: searcher.engine.rawValue, resident: resident, queries: latencies.count,
            loadS: load.seconds.rounded(to: 4),
            searchS: elapsed.seconds.rounded(to: 6),
            qps: (Double(latencies.count) / max(elapsed.seconds, 1e-9)).rounded(to: 1),
            p50Ms: Self.percentile(sorted, 0.50).rounded(to: 4),
            p99Ms: Self.percentile(sorted, 0.99).rounded(to: 4),
            codesScanned: (Double(codesScanned) / count).rounded(to: 1),
            rowsRefined: (Double(rowsRefined) / count).rounded(to: 1),
            reads: (Double(reads) / count).rounded(to: 1),
            roundTrips: (Double(roundTrips) / count).rounded(to: 2),
            codesMb: (Double(searcher.codeBytes) / 1e6).rounded(to: 3),
            codesShareOfFloat32: (Double(searcher.codeBytes) / plain).rounded(to: 5),
            modelMb: (Double(searcher.modelBytes) / 1e6).rounded(to: 3),
            rssMb: Self.residentMegabytes.rounded(to: 1), requests: usage?.requests,
            receivedMb: usage.map { (Double($0.bytesRead) / 1e6).rounded(to: 3) },
            dollars: usage.map { $0.dollars(.s3Standard).rounded(to: 8) })
    }

    /// The smallest value that at least `share` of the values do not exceed.
    static func percentile(_ sorted: [Double], _ share: Double) -> Double {
        guard !sorted.isEmpty else { return 0 }
        let rank = Int((share * Double(sorted.count)).rounded(.up))
        return sorted[max(0, min(sorted.count - 1, rank - 1))]
    }

    /// Resident memory of this process, in megabytes.
    private static var residentMegabytes: Double {
        let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = status?.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        let kibibytes = line?.split(separator: " ").dropFirst().first.flatMap { Double($0) }
        return (kibibytes ?? 0) * 1024 / 1e6
    }
}
