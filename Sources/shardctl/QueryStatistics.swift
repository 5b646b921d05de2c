// What a run of queries took, for whoever times it from outside.
import Foundation
import TesseraBase
import Worker

/// Adds up a run.
struct QueryStatistics {
    private let searcher: IndexSearcher
    private let load: Duration
    private var elapsed = Duration.zero
    private var latencies: [Double] = []
    private var codesScanned = 0
    private var rowsRefined = 0

    init(_ searcher: IndexSearcher, load: Duration) {
        self.searcher = searcher
        self.load = load
    }

    mutating func add(_ result: BatchAnswers) {
        elapsed += result.elapsed
        latencies += result.latencies.map { $0.seconds * 1000 }
        codesScanned += result.answers.reduce(0) { $0 + $1.receipt.codesScanned }
        rowsRefined += result.answers.reduce(0) { $0 + $1.receipt.rowsRefined }
    }

    /// Counts are means a query; names end in their units.
    struct Summary: Encodable {
        let queries: Int
        let load_s: Double
        let search_s: Double
        let qps: Double
        let p50_ms: Double
        let p99_ms: Double
        let codes_scanned: Double
        let rows_refined: Double
        let codes_mb: Double
        let codes_share_of_float32: Double
        let model_mb: Double
        let rss_mb: Double
    }

    var summary: Summary {
        let sorted = latencies.sorted()
        let count = Double(max(1, latencies.count))
        let plain = Double(searcher.vectorCount * searcher.dimension * 4)
        return Summary(
            queries: latencies.count, load_s: load.seconds.rounded(to: 4),
            search_s: elapsed.seconds.rounded(to: 6),
            qps: (Double(latencies.count) / max(elapsed.seconds, 1e-9)).rounded(to: 1),
            p50_ms: Self.percentile(sorted, 0.50).rounded(to: 4),
            p99_ms: Self.percentile(sorted, 0.99).rounded(to: 4),
            codes_scanned: (Double(codesScanned) / count).rounded(to: 1),
            rows_refined: (Double(rowsRefined) / count).rounded(to: 1),
            codes_mb: (Double(searcher.codeBytes) / 1e6).rounded(to: 3),
            codes_share_of_float32: (Double(searcher.codeBytes) / plain).rounded(to: 5),
            model_mb: (Double(searcher.modelBytes) / 1e6).rounded(to: 3),
            rss_mb: Self.residentMegabytes.rounded(to: 1))
    }

    /// The smallest value that at least `share` of the values do not exceed.
    static func percentile(_ sorted: [Double], _ share: Double) -> Double {
        guard !sorted.isEmpty else { return 0 }
        let rank = Int((share * Double(sorted.count)).rounded(.up))
        return sorted[max(0, min(sorted.count - 1, rank - 1))]
    }

    /// Memory of this process that is resident now, in megabytes.
    private static var residentMegabytes: Double {
        let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = status?.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        let kibibytes = line?.split(separator: " ").dropFirst().first.flatMap { Double($0) }
        return (kibibytes ?? 0) * 1024 / 1e6
    }
}
