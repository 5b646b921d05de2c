// The HTML page of a report: tables, and charts as inline SVG.
import Foundation
import Reporting

extension Report {
    /// The page, as HTML.
    package var page: String {
        let charts: [(String, String?)] = [
            ("Recall@\(settings.k) against throughput", curveChart),
            ("Latency, \(openLoop == nil ? "closed" : "open") loop", latencyChart),
            ("Shard sizes", shardChart), ("Recall of each cell", heatMap),
        ]
        let figures = charts.compactMap { title, svg -> String? in
            svg.map { "<figure><figcaption>\(Drawing.escaped(title))</figcaption>\($0)</figure>" }
        }
        let title = "\(subject.index) version \(subject.version): measured"
        let partial =
            stoppedBy.map {
                "<p class=\"partial\"><strong>Partial.</strong> This run ended early: \(Drawing.escaped($0)). "
                    + "What is here was measured; the rest was not.</p>"
            } ?? ""
        let remarks = notes.map { "<p class=\"note\">\(Drawing.escaped($0))</p>" }.joined()
        return ReportPage.html(
            title: title,
            body: """
                <p>\(Drawing.escaped(headline))</p>
                <p class="small">\(Drawing.escaped(conditions))<br>\(Drawing.escaped(subject.store)), \
                \(createdAt.ISO8601Format())</p>
                \(partial)\(remarks)\(tiles)
                <section class="charts">\(figures.joined(separator: "\n"))</section>
                <section class="tables">\(tables.map(\.html).joined(separator: "\n"))</section>
                """)
    }

    /// The figures that people look for first.
    private var tiles: String {
        var tiles: [(String, String)] = []
        for line in recall {
            tiles.append(
                (
                    "recall@\(line.k)",
                    "\(Wording.fixed(line.recall, 3)) <small>\(Wording.fixed(line.low, 3))–\(Wording.fixed(line.high, 3))</small>"
                ))
        }
        if let closedLoop {
            tiles.append(("queries/s", Wording.grouped(closedLoop.queriesPerSecond)))
        }
        if let openLoop {
            tiles.append(("p99", Wording.time(microseconds: openLoop.p99Microseconds)))
        }
        if let memory, memory.codes > 0 {
            tiles.append(("bytes a vector in memory", Wording.fixed(memory.perVector, 1)))
        }
        let items = tiles.map { name, value in "<div><dt>\(name)</dt><dd>\(value)</dd></div>" }
        return items.isEmpty ? "" : "<dl class=\"tiles\">\(items.joined())</dl>"
    }
}
