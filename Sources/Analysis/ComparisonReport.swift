// The result of a comparison, and the verdict on it.
package import Reporting
package import TesseraBase

/// B compared with A. Differences are B minus A.
package struct ComparisonReport: Sendable, Codable {
    /// One of the compared sides.
    package struct Side: Sendable, Codable {
        package var store: String
        package var index: String
        package var version: Int
        package var vectors: Int
        package var nprobe: Int
        package var refineDepth: Int

        var words: String {
            "\(index) version \(version), nprobe \(nprobe), refine \(refineDepth)"
        }
    }

    /// Mean recall of both sides, and their difference.
    package struct Recall: Sendable, Codable {
        package var a: Double
        package var b: Double
        /// Interval of the paired bootstrap, 95%.
        package var difference: Statistics.Interval
        package var queriesBetter: Int
        package var queriesWorse: Int
        /// Two-sided p-value of the exact sign test.
        package var signTest: Double
        package var queries: Int
    }

    /// Latencies of both sides, and their ratio.
    package struct Latency: Sendable, Codable {
        /// Medians of A and B.
        package var p50Microseconds: [Double]
        package var p99Microseconds: [Double]
        /// Median of B over median of A; interval of the paired bootstrap, 95%.
        package var ratio: Statistics.Interval
        package var queriesFaster: Int
        package var queriesSlower: Int
        package var signTest: Double
    }

    /// A shard of A in which B finds less.
    package struct Cell: Sendable, Codable {
        package var shard: Int
        package var queries: Int
        package var a: Double
        package var b: Double
    }

    package var format = "tessera.comparison"
    package var formatVersion = 1
    package var a: Side
    package var b: Side
    package var k: Int
    package var queries: Int
    /// The share of A's answers that B gives too, in any order.
    package var overlap: Statistics.Interval?
    /// Queries with the same answers in the same order.
    package var identical = 0
    package var recall: Recall?
    package var latency: Latency?
    package var worseCells: [Cell] = []

    package init(a: Side, b: Side, k: Int, queries: Int) {
        self.a = a
        self.b = b
        self.k = k
        self.queries = queries
    }

    /// How much worse B may be.
    package struct Tolerance: Sendable {
        /// Recall that B may lose: the interval's end nearest to zero must not exceed it.
        package var recall: Double
        /// Share by which B's median may be slower; nil does not judge latency.
        package var latency: Double?
        /// Overlap that must be reached; nil does not judge overlap.
        package var overlap: Double?

        package init(recall: Double = 0, latency: Double? = nil, overlap: Double? = nil) {
            self.recall = recall
            self.latency = latency
            self.overlap = overlap
        }
    }

    /// The bounds that B breaks by more than chance explains; empty if it breaks none.
    package func complaints(_ tolerance: Tolerance) -> [String] {
        var complaints: [String] = []
        if let recall, recall.difference.high < -tolerance.recall {
            complaints.append(
                "recall@\(k) falls from \(Wording.fixed(recall.a, 4)) to \(Wording.fixed(recall.b, 4)), by "
                    + "\(Wording.fixed(-recall.difference.high, 4)) at least, and \(tolerance.recall) is tolerated"
            )
        }
        if let most = tolerance.latency, let latency, latency.ratio.low > 1 + most {
            complaints.append(
                "the median latency is \(Wording.fixed(latency.ratio.estimate, 2)) times what it was, "
                    + "\(Wording.fixed(latency.ratio.low, 2)) at least, and \(1 + most) is tolerated"
            )
        }
        if let least = tolerance.overlap, let overlap, overlap.low < least {
            complaints.append(
                "overlap@\(k) is \(Wording.fixed(overlap.estimate, 4)), perhaps only "
                    + "\(Wording.fixed(overlap.low, 4)), and \(least) is wanted")
        }
        return complaints
    }

    /// Throws `unmet` with all complaints, if there are any.
    package func require(_ tolerance: Tolerance) throws(TesseraError) {
        let complaints = complaints(tolerance)
        guard !complaints.isEmpty else { return }
        throw TesseraError(
            .unmet, "B is worse than A: " + complaints.joined(separator: "; "))
    }

    /// The report as lines for a terminal.
    package var lines: [String] {
        func interval(_ value: Statistics.Interval, _ digits: Int) -> String {
            "\(Wording.fixed(value.estimate, digits)) (\(Wording.fixed(value.low, digits)) to \(Wording.fixed(value.high, digits)))"
        }
        var lines = ["A  \(a.words)", "B  \(b.words)", "\(queries) queries, 95% intervals"]
        if let overlap {
            lines.append(
                "overlap@\(k)   \(interval(overlap, 4)); \(identical) queries answered the same")
        }
        if let recall {
            lines.append(
                "recall@\(k)    A \(Wording.fixed(recall.a, 4))  B \(Wording.fixed(recall.b, 4))  "
                    + "B - A \(interval(recall.difference, 4)); \(recall.queriesBetter) queries better, "
                    + "\(recall.queriesWorse) worse, sign test p \(Wording.fixed(recall.signTest, 4))"
            )
        } else {
            lines.append("recall       no exact neighbours of these queries")
        }
        if let latency {
            lines.append(
                "latency      p50 A \(Wording.time(microseconds: latency.p50Microseconds[0]))  "
                    + "B \(Wording.time(microseconds: latency.p50Microseconds[1]))  "
                    + "p99 A \(Wording.time(microseconds: latency.p99Microseconds[0]))  "
                    + "B \(Wording.time(microseconds: latency.p99Microseconds[1]))  "
                    + "B / A \(interval(latency.ratio, 3)), sign test p \(Wording.fixed(latency.signTest, 4))"
            )
        }
        if !worseCells.isEmpty {
            let rows = worseCells.prefix(10).map { cell in
                [
                    "\(cell.shard)", "\(cell.queries)", Wording.fixed(cell.a, 4),
                    Wording.fixed(cell.b, 4), Wording.fixed(cell.b - cell.a, 4),
                ]
            }
            lines.append("cells of A where B finds less, \(worseCells.count) in all")
            lines += Wording.table([["shard", "queries", "A", "B", "B - A"]] + rows).map {
                "  " + $0
            }
        }
        return lines
    }
}
