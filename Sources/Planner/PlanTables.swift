// The tables of a plan, for the terminal and the page.
import Foundation
package import Reporting

extension PlanReport {
    package var tables: [ReportTable] {
        plans.enumerated().map { planTable($1, number: $0) } + [
            heldOutTable, scaleTable, machineTable,
        ]
    }

    package var headline: String {
        "\(Wording.grouped(Double(plans.first?.question.vectors ?? 0))) x \(sample.dimension) planned from \(sample.from)"
    }

    package var conditions: String {
        "\(sample.metric), calibrated with \(Wording.grouped(Double(scales.last?.vectors ?? 0))) vectors, "
            + "\(scales.last?.queries ?? 0) queries, seed \(seed), in \(Wording.fixed(seconds, 0)) s; "
            + "\(machine.cores) cores, \(machine.instructionSet), \(machine.system)"
    }

    /// The report as lines for a terminal.
    package var lines: [String] {
        var lines = [headline, conditions] + notes.map { "note: \($0)" }
        for table in tables {
            lines += ["", table.title] + Wording.table(table.rows).map { "  " + $0 }
            if !table.remark.isEmpty { lines.append("  " + table.remark) }
        }
        return lines
    }

    /// The page, as HTML; it loads nothing else.
    package var page: String {
        let remarks = notes.map { "<p class=\"note\">\(Drawing.escaped($0))</p>" }.joined()
        return ReportPage.html(
            title: headline,
            body:
                "<p class=\"small\">\(Drawing.escaped(conditions))<br>\(createdAt.ISO8601Format())</p>\(remarks)"
                + "<section class=\"tables\">\(tables.map(\.html).joined(separator: "\n"))</section>"
        )
    }

    private func planTable(_ plan: Plan, number: Int) -> ReportTable {
        let (cut, question) = (plan.cut, plan.question)
        var rows = [["", "", "how"]]
        rows += [
            ["shards", Wording.grouped(Double(cut.shards)), "rule, cells as measured"],
            [
                "lists, nlist a shard",
                "\(Wording.grouped(Double(cut.lists))), \(Wording.grouped(Double(cut.lists) / Double(cut.shards)))",
                "rule, cells as measured",
            ],
            ["nprobe", "\(plan.way.nprobe)", question.nprobe == nil ? "modelled" : "as asked"],
            [
                "refine depth", "\(plan.way.refineDepth)",
                question.refineDepth == nil ? "modelled" : "as asked",
            ],
            ["recall@10", Wording.fixed(plan.recall, 4), "modelled"],
            ["codes scanned a query", Wording.grouped(plan.work.codes), "modelled"],
            ["shards touched a query", Wording.fixed(plan.work.touched, 1), "modelled"],
            ["p50", Wording.time(microseconds: plan.p50Microseconds), "modelled"],
            ["p99", Wording.time(microseconds: plan.p99Microseconds), "modelled"],
        ]
        rows += memoryRows(plan) + costRows(plan)
        let asked = words(question)
        return ReportTable(
            title: plans.count > 1 ? "Plan \(number + 1): \(asked)" : "Plan: \(asked)", rows: rows,
            remark: plan.remarks.joined(separator: "; "))
    }

    private func memoryRows(_ plan: Plan) -> [[String]] {
        let question = plan.question
        var rows: [[String]] = []
        if question.workers > 1 {
            rows.append(["shards a worker", Wording.grouped(Double(plan.shardsPerWorker)), "rule"])
            rows.append(["memory a worker", Wording.size(plan.memoryPerWorker), "modelled"])
        }
        rows.append([
            "memory, all workers", Wording.size(plan.memoryPerWorker * Double(question.workers)),
            "modelled",
        ])
        rows.append([
            "of that codes, if all were held", Wording.size(plan.footprint.codes), "modelled",
        ])
        if let store = plan.store {
            rows.append([
                "queries that read the store", Wording.fixed(100 * plan.storeShare, 1) + "%",
                "modelled",
            ])
            rows.append([
                "a query from the store",
                "\(Wording.fixed(store.roundTrips, 1)) trips, \(Wording.fixed(store.requests, 1)) requests, "
                    + Wording.size(store.bytes), "modelled",
            ])
        }
        rows.append(["disk", Wording.size(plan.footprint.stored), "modelled"])
        rows.append(["scratch while training", Wording.size(plan.scratchBytes), "rule"])
        return rows
    }

    private func costRows(_ plan: Plan) -> [[String]] {
        let costs = plan.costs
        var rows = [
            [
                "build, \(probe.threads) threads",
                Wording.duration(plan.trainSeconds + plan.publishSeconds),
                "modelled",
            ],
            ["build, one machine", Wording.dollars(plan.buildDollars), "modelled x prices"],
            ["a month of storage", Wording.dollars(costs.storedMonth), "modelled x prices"],
            [
                "a month, storage and \(plan.question.workers) machine(s)",
                Wording.dollars(plan.monthInMemory), "modelled x prices",
            ],
        ]
        if let busy = costs.per1000InMemory {
            rows.append([
                "1,000 queries, a machine kept busy", Wording.dollars(busy), "modelled x prices",
            ])
        }
        if let store = costs.per1000Warm {
            rows.append([
                "1,000 queries, requests to the store", Wording.dollars(store), "modelled x prices",
            ])
        }
        return rows
    }

    private func words(_ question: WhatIf) -> String {
        var words = ["\(Wording.grouped(Double(question.vectors))) vectors"]
        if let recall = question.recall { words.append("recall \(Wording.short(recall))") }
        if let nprobe = question.nprobe { words.append("nprobe \(nprobe)") }
        if let depth = question.refineDepth { words.append("refine \(depth)") }
        words.append("\(Wording.short(100 * question.cachedShare))% in memory")
        words.append("\(question.workers) worker\(question.workers == 1 ? "" : "s")")
        return words.joined(separator: ", ")
    }

    private var heldOutTable: ReportTable {
        let from = scales.dropLast().map { Wording.grouped(Double($0.vectors)) }
        return ReportTable(
            title:
                "Prediction error: \(Wording.grouped(Double(scales.last?.vectors ?? 0))) vectors predicted from "
                + from.joined(separator: ", "),
            rows: [["", "way", "predicted", "measured", "error"]] + heldOut.map(\.words),
            remark: "errors of recall are differences")
    }

    private var scaleTable: ReportTable {
        let rows = scales.map { scale -> [String] in
            let build = builds.first { $0.vectors == scale.vectors }
            return [
                Wording.grouped(Double(scale.vectors)), "\(scale.shards)", "\(scale.lists)",
                Wording.size(scale.footprint.held), Wording.size(scale.footprint.stored),
                scale.point(16, 40).map { Wording.fixed($0.recall, 4) } ?? "-",
                scale.point(64, 80).map { Wording.fixed($0.recall, 4) } ?? "-",
                build.map { Wording.fixed($0.trainSeconds, 1) } ?? "-",
                build.map { Wording.fixed($0.publishSeconds, 1) } ?? "-",
            ]
        }
        return ReportTable(
            title: "Measured",
            rows: [
                [
                    "vectors", "shards", "lists", "memory", "disk", "recall 16/40", "recall 64/80",
                    "train s", "publish s",
                ]
            ] + rows, remark: "recall at nprobe / refine depth")
    }

    private var machineTable: ReportTable {
        var rows = [
            [
                "exact comparison, one thread",
                "\(Wording.fixed(probe.exactBytesPerSecond / 1e9, 1)) GB/s of float32",
            ],
            [
                "a vector against a cell's centroid",
                "\(Wording.fixed(probe.assignNanoseconds, 1)) ns",
            ],
        ]
        if let store = probe.store {
            rows.append([
                "store, a small read",
                "\(Wording.fixed(store.milliseconds, 2)) ms, p99 \(Wording.fixed(store.tailMilliseconds, 2)) ms",
            ])
            rows.append(["store, a shard", "\(Wording.grouped(store.megabytesPerSecond)) MB/s"])
        }
        rows += times.laws.map { law in
            [
                "a query among \(Wording.size(law.workingSet)) of index",
                "\(Wording.fixed(law.fixed, 1)) us + a shard \(Wording.fixed(law.touchedShard, 2)) us, a ranked list "
                    + "\(Wording.fixed(law.rankedList * 1000, 1)) ns, a code \(Wording.fixed(law.code * 1000, 2)) ns, a row "
                    + "\(Wording.fixed(law.row * 1000, 0)) ns",
            ]
        }
        return ReportTable(
            title: "This machine", rows: [["", "measured"]] + rows,
            remark:
                "queries are spread over copies of the index, so that caches see as much memory as with a larger one"
        )
    }
}

extension HeldOutLine {
    fileprivate var words: [String] {
        func text(_ value: Double) -> String {
            switch unit {
            case .count: value < 10 ? Wording.fixed(value, 1) : Wording.grouped(value)
            case .bytes: Wording.size(value)
            case .microseconds: Wording.time(microseconds: value)
            case .seconds: Wording.fixed(value, 1) + " s"
            case .recall: Wording.fixed(value, 4)
            }
        }
        let sign = error < 0 ? "-" : "+"
        let off =
            unit == .recall
            ? Wording.fixed(abs(error), 4) : Wording.fixed(100 * abs(error), 1) + "%"
        return [quantity, way, text(predicted), text(measured), sign + off]
    }
}
