// The tables of a report, for the terminal and the page.
package import Reporting

extension Report {
    /// The tables that have rows.
    package var tables: [ReportTable] {
        [
            recallTable, loadTable, coordinatorTable, stageTable, tierTable, storeTable,
            curveTable, costTable, classic?.words ?? ReportTable(title: "", rows: [], remark: ""),
            cellTable, driftTable,
        ].filter { $0.rows.count > 1 }
    }

    /// The subject of the report, in one line.
    package var headline: String {
        "\(subject.index) version \(subject.version): \(Wording.grouped(Double(subject.vectors))) x "
            + "\(subject.dimension), \(subject.metric), \(Wording.grouped(Double(subject.shards))) shards, "
            + "\(Wording.grouped(Double(subject.lists))) lists"
    }

    /// The conditions of the measurement, in one line.
    package var conditions: String {
        "nprobe \(settings.nprobe), refine \(settings.refineDepth), \(settings.queries) queries (\(settings.queriesFrom)), "
            + Self.words(forMode: settings.mode)
            + "; \(machine.cores) cores, \(machine.instructionSet), \(machine.system)"
    }

    private static func words(forMode mode: String) -> String {
        switch mode {
        case "memory": "codes in memory"
        case "coordinator": "over HTTP, as the coordinator serves, asked from here"
        default: "read from the store as needed"
        }
    }

    /// The report as lines for a terminal.
    package var lines: [String] {
        var lines = [headline, conditions]
        if let stoppedBy { lines.append("PARTIAL, this run ended early: \(stoppedBy)") }
        lines += notes.map { "note: \($0)" }
        for table in tables {
            lines += ["", table.title] + Wording.table(table.rows).map { "  " + $0 }
            if !table.remark.isEmpty { lines.append("  " + table.remark) }
        }
        return lines
    }

    private var recallTable: ReportTable {
        ReportTable(
            title: "Recall against exact search",
            rows: [["", "recall", "low", "high", "queries", "truth"]]
                + recall.map { line in
                    [
                        "recall@\(line.k)", Wording.fixed(line.recall, 4),
                        Wording.fixed(line.low, 4), Wording.fixed(line.high, 4),
                        "\(line.queries)", line.truth,
                    ]
                },
            remark: "low and high are the ends of the 95% confidence interval")
    }

    private var loadTable: ReportTable {
        let loads = [("closed loop", closedLoop), ("open loop", openLoop)]
        let rows = loads.compactMap { name, load -> [String]? in
            guard let load else { return nil }
            func time(_ value: Double) -> String { Wording.time(microseconds: value) }
            return [
                name, "\(load.concurrency)", load.ratePerSecond.map(Wording.grouped) ?? "-",
                Wording.grouped(load.queriesPerSecond), time(load.p50Microseconds),
                time(load.p90Microseconds), time(load.p99Microseconds),
                time(load.p999Microseconds), time(load.maxMicroseconds),
            ]
        }
        return ReportTable(
            title: "Throughput and latency",
            rows: [
                [
                    "", "lanes", "offered/s", "answered/s", "p50", "p90", "p99", "p99.9", "max",
                ]
            ] + rows,
            remark:
                "the open loop counts from when a query was due, so waiting for a free lane counts")
    }

    private var stageTable: ReportTable {
        guard let work else { return ReportTable(title: "", rows: [], remark: "") }
        let total = max(work.stages.reduce(0) { $0 + $1.microseconds }, 1e-9)
        return ReportTable(
            title: "Stages of the mean query",
            rows: [["stage", "time", "share"]]
                + work.stages.map { stage in
                    [
                        stage.name, Wording.time(microseconds: stage.microseconds),
                        Wording.fixed(100 * stage.microseconds / total, 1) + "%",
                    ]
                },
            remark: "\(Wording.fixed(work.shardsTouched, 1)) shards, "
                + "\(Wording.fixed(work.listsScanned, 1)) lists scanned, "
                + "\(Wording.fixed(work.listsSkipped, 1)) skipped")
    }

    private var tierTable: ReportTable {
        ReportTable(
            title: "Tiers",
            rows: tiers.isEmpty
                ? []
                : [["tier", "in", "bytes", "a vector", "bytes a query", "items a query"]]
                    + tiers.map { tier in
                        [
                            tier.name, tier.place, Wording.size(tier.bytes),
                            Wording.fixed(tier.bytesPerVector, 1),
                            Wording.size(tier.bytesPerQuery),
                            "\(Wording.grouped(tier.itemsPerQuery)) \(tier.item)",
                        ]
                    },
            remark: memory.map { memory in
                "held in memory for searching: \(Wording.size(memory.codes + memory.models)), "
                    + "\(Wording.fixed(memory.perVector, 1)) bytes a vector; "
                    + "stored: \(Wording.fixed(memory.storedPerVector, 1)) bytes a vector; "
                    + "this process: \(Wording.size(memory.resident))"
            } ?? "")
    }

    private var storeTable: ReportTable {
        let rows = [("nothing open", cold), ("shards open", warm)].compactMap {
            name, reads -> [String]? in
            guard let reads else { return nil }
            return [
                name, "\(reads.queries)", Wording.fixed(reads.roundTrips, 1),
                Wording.fixed(reads.requests, 1), Wording.size(reads.bytes),
                Wording.fixed(reads.p50Milliseconds, 2) + " ms",
                Wording.fixed(reads.p99Milliseconds, 2) + " ms",
            ]
        }
        return ReportTable(
            title: "Straight from the store",
            rows: [["", "queries", "round trips", "requests", "bytes read", "p50", "p99"]] + rows,
            remark: "means a query")
    }

    private var curveTable: ReportTable {
        ReportTable(
            title: "Recall@\(settings.k) against throughput",
            rows: [["nprobe", "refine", "recall", "low", "high", "queries/s", "p50", "codes"]]
                + curve.map { point in
                    [
                        "\(point.nprobe)", "\(point.refineDepth)", Wording.fixed(point.recall, 4),
                        Wording.fixed(point.low, 4), Wording.fixed(point.high, 4),
                        Wording.grouped(point.queriesPerSecond),
                        Wording.time(microseconds: point.p50Microseconds),
                        Wording.grouped(point.codesScanned),
                    ]
                },
            remark: "")
    }

    private var costTable: ReportTable {
        guard let costs else { return ReportTable(title: "", rows: [], remark: "") }
        let entries: [(String, Double?)] = [
            ("1,000 queries, in memory, machine busy", costs.per1000InMemory),
            ("1,000 queries from the store, nothing open", costs.per1000Cold),
            ("1,000 queries from the store, shards open", costs.per1000Warm),
            ("a month of storage", costs.storedMonth),
            ("a month in memory: storage and one machine", costs.monthInMemory),
            (
                "a month from the store: storage and \(Wording.grouped(costs.prices.queriesPerMonth)) queries",
                costs.monthFromStore
            ),
        ]
        return ReportTable(
            title: "Estimated cost",
            rows: [["", "US dollars"]]
                + entries.compactMap { name, value in
                    value.map { [name, Wording.dollars($0)] }
                },
            remark: "machine: \(costs.prices.machine); prices change, --prices FILE has yours")
    }

    private var cellTable: ReportTable {
        let measured = cells.filter { $0.recall != nil }
        let worst = measured.sorted { ($0.recall ?? 1, $0.shard) < ($1.recall ?? 1, $1.shard) }
        return ReportTable(
            title: "Cells that find least",
            rows: [["shard", "vectors", "lists", "queries", "recall"]]
                + worst.prefix(5).map { cell in
                    [
                        "\(cell.shard)", Wording.grouped(Double(cell.vectors)), "\(cell.lists)",
                        "\(cell.queries)", Wording.fixed(cell.recall ?? 0, 4),
                    ]
                },
            remark: "\(measured.count) of \(cells.count) shards have a query's nearest hit")
    }
}
