// The document of /stats, and the same counts as Prometheus reads them.
import SearchTypes

struct StatsDocument: Encodable {
    struct Requests: Encodable {
        let total: Int
        let byStatus: [String: Int]
        let queries: Int
        let running: Int
        let waiting: Int
        let refused: Int
    }

    struct Cache: Encodable {
        let enabled: Bool
        let hits: Int
        let misses: Int
        let entries: Int
        let bytes: Int
    }

    struct Index: Encodable {
        let name: String
        let version: Nullable<Int>
        let inUse: Int
        let retiring: Int
        let flips: Int
        let problem: Nullable<String>
    }

    let uptimeS: Double
    let windowS: Int
    let stages: [String: DistributionSummary]
    let requests: Requests
    let sources: [String: Int]
    let responseCache: Cache
    let queryLog: QueryLogDocument
    let connections: Int
    let indexes: [Index]
    let tiers: [TierCounts]

    /// - Parameter byStatus: answers since the start, by HTTP status.
    init(
        _ report: ServiceReport, indexes: ServedIndexes, byStatus: [Int: Int], connections: Int
    ) {
        let snapshot = report.counts
        uptimeS = Double(snapshot.uptime.nanoseconds / 1_000_000) / 1e3
        windowS = RollingDistribution.slotCount * RollingDistribution.slotSeconds
        stages = Dictionary(
            uniqueKeysWithValues: snapshot.stages.map { ($0.key.rawValue, $0.value) })
        requests = Requests(
            total: byStatus.values.reduce(0, +),
            byStatus: Dictionary(
                uniqueKeysWithValues: byStatus.map { (String($0.key), $0.value) }),
            queries: snapshot.queries, running: report.admission.running,
            waiting: report.admission.waiting, refused: report.admission.refused)
        sources = Dictionary(
            uniqueKeysWithValues: snapshot.sources.map { ($0.key.rawValue, $0.value) })
        let cached = report.cache ?? ResponseCache.Counts()
        responseCache = Cache(
            enabled: report.cache != nil, hits: cached.hits, misses: cached.misses,
            entries: cached.entries, bytes: cached.bytes)
        self.queryLog = QueryLogDocument(report.queryLog)
        self.connections = connections
        self.indexes = indexes.all.map { index in
            let status = index.status
            return Index(
                name: index.name, version: Nullable(status.version), inUse: status.inUse,
                retiring: status.retiring, flips: status.flips, problem: Nullable(status.problem))
        }
        self.tiers = report.tiers.map(TierCounts.init)
    }

    /// The same counts in Prometheus' text format 0.0.4.
    var prometheus: String {
        var text = MetricsText()
        text.add("tessera_uptime_seconds", .gauge, "Seconds since the start.", [("", uptimeS)])
        text.add(
            "tessera_http_requests_total", .counter, "Answers by status.",
            requests.byStatus.sorted { $0.key < $1.key }.map {
                ("status=\"\($0.key)\"", Double($0.value))
            })
        text.add(
            "tessera_queries_total", .counter, "Queries answered, by the slowest tier touched.",
            sources.sorted { $0.key < $1.key }.map { ("source=\"\($0.key)\"", Double($0.value)) })
        text.add(
            "tessera_requests_running", .gauge, "Searches that run now.",
            [("", Double(requests.running))])
        text.add(
            "tessera_requests_waiting", .gauge, "Searches that wait for a place.",
            [("", Double(requests.waiting))])
        text.add(
            "tessera_requests_refused_total", .counter, "Searches answered 429.",
            [("", Double(requests.refused))])
        text.add("tessera_connections", .gauge, "Open connections.", [("", Double(connections))])
        addStages(&text)
        addCache(&text)
        addIndexes(&text)
        queryLog.add(to: &text)
        tiers.add(to: &text)
        return text.text
    }

    private func addStages(_ text: inout MetricsText) {
        let sorted = stages.sorted { $0.key < $1.key }
        text.add(
            "tessera_search_seconds", .gauge,
            "Time of search requests in the last \(windowS) seconds.",
            sorted.flatMap { stage, times in
                [("0.5", times.p50), ("0.95", times.p95), ("0.99", times.p99), ("1", times.max)]
                    .map { ("stage=\"\(stage)\",quantile=\"\($0.0)\"", $0.1 / 1e3) }
            })
    }

    private func addCache(_ text: inout MetricsText) {
        text.add(
            "tessera_response_cache_hits_total", .counter, "Answers from the response cache.",
            [("", Double(responseCache.hits))])
        text.add(
            "tessera_response_cache_misses_total", .counter,
            "Searches that were not in the response cache.",
            [("", Double(responseCache.misses))])
        text.add(
            "tessera_response_cache_bytes", .gauge, "Bytes of the answers in the response cache.",
            [("", Double(responseCache.bytes))])
    }

    private func addIndexes(_ text: inout MetricsText) {
        text.add(
            "tessera_index_version", .gauge, "The version that answers; 0 for none.",
            indexes.map { ("index=\"\($0.name)\"", Double($0.version.value ?? 0)) })
        text.add(
            "tessera_index_flips_total", .counter, "Times another version took over.",
            indexes.map { ("index=\"\($0.name)\"", Double($0.flips)) })
        text.add(
            "tessera_index_retiring", .gauge, "Older versions with queries under way.",
            indexes.map { ("index=\"\($0.name)\"", Double($0.retiring)) })
        text.add(
            "tessera_index_problem", .gauge, "1 where a newer version is not served.",
            indexes.map { ("index=\"\($0.name)\"", $0.problem.value == nil ? 0 : 1) })
    }
}

/// Lines of Prometheus' text format. Label values are names and numbers, which need no escaping.
struct MetricsText {
    enum Kind: String {
        case counter, gauge
    }

    private(set) var text = ""

    mutating func add(
        _ name: String, _ kind: Kind, _ help: String, _ values: [(labels: String, value: Double)]
    ) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
        for (labels, value) in values {
            text += labels.isEmpty ? "\(name) \(value)\n" : "\(name){\(labels)} \(value)\n"
        }
    }
}
