// The table of papers on product quantization: exact search against IVF-PQ, as both grow. Each
// figure says whether it was measured here or follows from the growth laws, and the table states
// the error of those laws.
import Catalog
import Foundation
package import Planner
import Reporting
import TesseraBase

/// Exact search against IVF-PQ.
package struct ClassicTable: Sendable, Equatable, Codable {
    /// A figure, and whether it was measured.
    package struct Figure: Sendable, Equatable, Codable {
        package var value: Double
        package var measured: Bool

        /// A ratio is measured only if both figures are.
        static func ratio(_ above: Figure, _ below: Figure) -> Figure {
            Figure(
                value: above.value / max(below.value, 1e-12),
                measured: above.measured && below.measured)
        }
    }

    /// One size of index.
    package struct Row: Sendable, Equatable, Codable {
        package var vectors: Int
        package var recall: Figure
        package var exactMicroseconds: Figure
        package var exactBytes: Figure
        package var microseconds: Figure
        package var bytes: Figure
        package var speedUp: Figure
        package var memoryRatio: Figure

        init(
            vectors: Int, recall: Figure, exactMicroseconds: Figure, exactBytes: Figure,
            microseconds: Figure, bytes: Figure
        ) {
            (self.vectors, self.recall) = (vectors, recall)
            (self.exactMicroseconds, self.exactBytes) = (exactMicroseconds, exactBytes)
            (self.microseconds, self.bytes) = (microseconds, bytes)
            speedUp = .ratio(exactMicroseconds, microseconds)
            memoryRatio = .ratio(exactBytes, bytes)
        }
    }

    package static let sizes = [1_000_000, 100_000_000, 1_000_000_000]

    package var rows: [Row]
    /// The largest measured index, predicted from smaller ones: its median query and its memory.
    /// Empty if the model could not be fitted.
    package var heldOut: [HeldOutLine]
    package var heldOutVectors: Int
}

/// Makes the table of one report.
struct ClassicStage: Sendable {
    /// Enough queries to see growth in a short time.
    private static let timedQueries = 100
    private static let largestCopies = 0x1p30
    /// Exact comparison was timed over more memory than any cache. A scan of less than this share
    /// of it would be faster.
    private static let fromMemory = 8

    let analyzer: Analyzer

    /// The table, or a note that says why there is none.
    func measure(_ report: Report) async throws(TesseraError) -> (ClassicTable?, [String]) {
        guard analyzer.plan.classicSample > 0, let loop = report.closedLoop,
            let memory = report.memory, report.settings.mode == "memory"
        else { return (nil, []) }
        var plan = CalibrationPlan(scratch: FileManager.default.temporaryDirectory.path)
        plan.vectorsPath = analyzer.plan.vectorsPath
        plan.idsPath = analyzer.plan.idsPath
        plan.sample = analyzer.plan.classicSample
        plan.seed = analyzer.plan.seed
        plan.memoryBudget = min(plan.memoryBudget, Self.largestCopies)
        plan.timesRowsInMemory = false
        plan.timedQueries = Self.timedQueries
        plan.timedRounds = 1
        let calibrator = Calibrator(
            plan,
            published: PublishedScale(analyzer.manifest, analyzer.base, analyzer.catalog),
            pool: analyzer.pool, stop: analyzer.stop, progress: analyzer.progress)
        let own = Own(
            recall: report.recall.first { $0.k == 10 }?.recall,
            microseconds: loop.p50Microseconds, bytes: memory.codes + memory.models)
        do throws(TesseraError) {
            let made = try await calibrator.run(upTo: ClassicTable.sizes[2]) {
                calibration async throws(TesseraError) -> ClassicTable in
                try await table(calibration, own)
            }
            return (made, [])
        } catch {
            // A sample that is too small, or a full scratch folder, must not fail the rest of the
            // report.
            if error.code == .cancelled { throw error }
            return (nil, ["no table of exact search against IVF-PQ: \(error.description)"])
        }
    }

    /// Figures that the report measured of the version itself.
    private struct Own {
        let recall: Double?
        let microseconds: Double
        let bytes: Double
    }

    private func table(
        _ calibration: Calibration, _ own: Own
    ) async throws(TesseraError) -> ClassicTable {
        let vectors = analyzer.index.vectors
        let exact = exactFigures(vectors, calibration.probe)
        var rows = [
            ClassicTable.Row(
                vectors: vectors,
                recall: ClassicTable.Figure(value: own.recall ?? 0, measured: own.recall != nil),
                exactMicroseconds: exact.time, exactBytes: exact.bytes,
                microseconds: ClassicTable.Figure(value: own.microseconds, measured: true),
                bytes: ClassicTable.Figure(value: own.bytes, measured: true))
        ]
        for size in ClassicTable.sizes where size != vectors {
            rows.append(try await modelled(size, calibration, own.recall))
        }
        return ClassicTable(
            rows: rows.sorted { $0.vectors < $1.vectors },
            heldOut: ["p50", "memory"].compactMap { name in
                calibration.heldOut.first { $0.quantity == name }
            }, heldOutVectors: calibration.scales.last?.vectors ?? 0)
    }

    /// Exact search over so many vectors. Counts as measured if about as many were scanned.
    private func exactFigures(
        _ vectors: Int, _ probe: MachineProbe
    ) -> (time: ClassicTable.Figure, bytes: ClassicTable.Figure) {
        let bytes = 4 * Double(vectors) * Double(analyzer.index.dimension)
        let scanned = (probe.exactVectors / Self.fromMemory)...probe.exactVectors
        return (
            ClassicTable.Figure(
                value: bytes / probe.exactBytesPerSecond * 1e6, measured: scanned.contains(vectors)),
            ClassicTable.Figure(value: bytes, measured: scanned.contains(vectors))
        )
    }

    /// One row at the recall of the version itself, or the best that is predicted.
    private func modelled(
        _ vectors: Int, _ calibration: Calibration, _ recall: Double?
    ) async throws(TesseraError) -> ClassicTable.Row {
        let growth = calibration.growth
        let cut = growth.cut(vectors)
        let way = recall.flatMap { growth.cheapest(recall: $0, cut) } ?? growth.best(cut).way
        let work = growth.work(way, cut)
        let footprint = growth.footprint(cut)
        let held = footprint.codes + footprint.models
        let time =
            calibration.times.median(work, workingSet: held)
            + (try await calibration.routing.growth(
                from: calibration.scales.last?.shards ?? 1, to: cut.shards, lists: way.nprobe,
                offered: Int(work.offered)))
        let exact = exactFigures(vectors, calibration.probe)
        func figure(_ value: Double) -> ClassicTable.Figure { .init(value: value, measured: false) }
        return ClassicTable.Row(
            vectors: vectors, recall: figure(growth.recall(way, cut)),
            exactMicroseconds: exact.time, exactBytes: exact.bytes, microseconds: figure(time),
            bytes: figure(held))
    }
}

extension ClassicTable {
    /// The table for terminal and page.
    var words: ReportTable {
        func mark(_ figure: Figure, _ text: String) -> String {
            text + (figure.measured ? " measured" : " modelled")
        }
        func time(_ figure: Figure) -> String {
            mark(figure, Wording.time(microseconds: figure.value))
        }
        func size(_ figure: Figure) -> String { mark(figure, Wording.size(figure.value)) }
        func factor(_ figure: Figure) -> String {
            mark(figure, Wording.grouped(figure.value) + " x")
        }
        let errors = heldOut.map { line in
            let value: (Double) -> String = {
                line.unit == .bytes ? Wording.size($0) : Wording.time(microseconds: $0)
            }
            return
                "\(line.quantity) \(value(line.predicted)) predicted, \(value(line.measured)) measured "
                + "(\(line.error < 0 ? "-" : "+")\(Wording.fixed(100 * abs(line.error), 1))%)"
        }
        return ReportTable(
            title: "Exact search against IVF-PQ",
            rows: [
                [
                    "vectors", "exact, a query", "exact, memory", "IVF-PQ, a query",
                    "IVF-PQ, memory",
                    "recall@10", "faster", "smaller",
                ]
            ]
                + rows.map { row in
                    [
                        Wording.grouped(Double(row.vectors)), time(row.exactMicroseconds),
                        size(row.exactBytes), time(row.microseconds), size(row.bytes),
                        mark(row.recall, Wording.fixed(row.recall.value, 3)), factor(row.speedUp),
                        factor(row.memoryRatio),
                    ]
                },
            remark:
                "one thread, one query at a time; codes and centroids in memory, refine rows read as needed. "
                + "The model's error on \(Wording.grouped(Double(heldOutVectors))) vectors, predicted from smaller indexes: "
                + errors.joined(separator: "; "))
    }
}
