// Counts of the query logs, for /stats and /metrics.

/// The `query_log` object of /stats.
struct QueryLogDocument: Encodable {
    struct Drift: Encodable {
        let version: Int
        let queries: Int
        let beyondP95: Double
        let beyondP99: Double
    }

    struct Index: Encodable {
        let name: String
        let seen: Int
        let recorded: Int
        let dropped: Int
        let waiting: Int
        let bytes: Int
        let failing: Bool
        let drift: Nullable<Drift>
    }

    let enabled: Bool
    let share: Double
    let indexes: [Index]

    /// - Parameter report: nil if no queries are recorded.
    init(_ report: QueryLogReport?) {
        enabled = report != nil
        share = report?.share ?? 0
        indexes = (report?.indexes ?? []).map { name, counts in
            Index(
                name: name, seen: counts.seen, recorded: counts.recorded,
                dropped: counts.dropped, waiting: counts.waiting, bytes: counts.bytes,
                failing: counts.isFailing,
                drift: Nullable(
                    counts.drift.map {
                        Drift(
                            version: $0.version, queries: $0.queries, beyondP95: $0.beyond95,
                            beyondP99: $0.beyond99)
                    }))
        }
    }

    func add(to text: inout MetricsText) {
        guard enabled else { return }
        func values(_ value: (Index) -> Double) -> [(labels: String, value: Double)] {
            indexes.map { ("index=\"\($0.name)\"", value($0)) }
        }
        text.add(
            "tessera_query_log_recorded_total", .counter, "Queries written to the query log.",
            values { Double($0.recorded) })
        text.add(
            "tessera_query_log_dropped_total", .counter,
            "Queries drawn for the query log and lost.",
            values { Double($0.dropped) })
        text.add(
            "tessera_query_log_bytes", .gauge, "Bytes of the query log's files.",
            values { Double($0.bytes) })
        text.add(
            "tessera_query_log_failing", .gauge, "1 if the last write failed.",
            values { $0.failing ? 1 : 0 })
        text.add(
            "tessera_query_drift_share", .gauge,
            "Share of the last recorded queries that lie farther from their cell than this quantile of the version's own queries.",
            indexes.flatMap { index in
                index.drift.value.map { drift in
                    [("0.95", drift.beyondP95), ("0.99", drift.beyondP99)].map {
                        ("index=\"\(index.name)\",quantile=\"\($0.0)\"", $0.1)
                    }
                } ?? []
            })
    }
}
