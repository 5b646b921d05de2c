// A table of a report, shown on the terminal and on the HTML page alike.

/// A table with a title; its first row holds the column names.
package struct ReportTable: Sendable {
    package let title: String
    package let rows: [[String]]
    /// A note that is needed to read the table; empty if there is none.
    package let remark: String

    package init(title: String, rows: [[String]], remark: String) {
        self.title = title
        self.rows = rows
        self.remark = remark
    }
}

extension ReportTable {
    /// The table as HTML.
    package var html: String {
        func row(_ cells: [String], _ tag: String) -> String {
            "<tr>" + cells.map { "<\(tag)>\(Drawing.escaped($0))</\(tag)>" }.joined() + "</tr>"
        }
        let body = rows.dropFirst().map { row($0, "td") }.joined()
        let remark =
            remark.isEmpty ? "" : "<p class=\"small\">\(Drawing.escaped(remark))</p>"
        return
            "<div class=\"table\"><h2>\(Drawing.escaped(title))</h2><div class=\"scroll\"><table>"
            + "<thead>\(row(rows[0], "th"))</thead><tbody>\(body)</tbody></table></div>\(remark)</div>"
    }
}
