// Numbers as text.
import Foundation

/// Formats numbers and tables.
package enum Wording {
    /// A whole number with its thousands apart: 60,000.
    package static func grouped(_ value: Double) -> String {
        let whole = Int(value.rounded())
        var digits = String(whole.magnitude)
        var groups: [String] = []
        while digits.count > 3 {
            groups.insert(String(digits.suffix(3)), at: 0)
            digits.removeLast(3)
        }
        return (whole < 0 ? "-" : "") + ([digits] + groups).joined(separator: ",")
    }

    /// A number with this many digits after the point.
    package static func fixed(_ value: Double, _ digits: Int) -> String {
        String(format: "%.\(digits)f", value)
    }

    /// A number in as few digits as possible: 1e+09, 0.95, 60000.
    package static func short(_ value: Double) -> String { String(format: "%g", value) }

    /// A number of bytes: 41.2 MB.
    package static func size(_ bytes: Double) -> String {
        let units = ["B", "kB", "MB", "GB", "TB", "PB"]
        var value = bytes
        var unit = 0
        while value >= 1000, unit < units.count - 1 {
            value /= 1000
            unit += 1
        }
        return unit == 0 ? "\(grouped(value)) B" : "\(fixed(value, 1)) \(units[unit])"
    }

    /// A short time: 834 us, 12.4 ms, 1.20 s.
    package static func time(microseconds: Double) -> String {
        switch microseconds {
        case ..<10: "\(fixed(microseconds, 1)) us"
        case ..<1000: "\(fixed(microseconds, 0)) us"
        case ..<1_000_000: "\(fixed(microseconds / 1000, microseconds < 10_000 ? 2 : 1)) ms"
        default: "\(fixed(microseconds / 1e6, 2)) s"
        }
    }

    /// A long time: 41 s, 12 min, 3.4 h.
    package static func duration(_ seconds: Double) -> String {
        switch seconds {
        case ..<90: "\(fixed(seconds, seconds < 10 ? 1 : 0)) s"
        case ..<5400: "\(fixed(seconds / 60, 0)) min"
        default: "\(fixed(seconds / 3600, 1)) h"
        }
    }

    /// An amount with three significant digits, so that $0.0000213 stays visible.
    package static func dollars(_ value: Double) -> String {
        guard value > 0 else { return "$0" }
        if value >= 1 { return "$\(fixed(value, 2))" }
        let digits = Int((2 - log10(value)).rounded(.up))
        return "$\(fixed(value, min(digits, 9)))"
    }

    /// A probability: "= 0.0340", or "< 0.0001" if it is smaller.
    package static func probability(_ value: Double) -> String {
        value < 1e-4 ? "< 0.0001" : "= \(fixed(value, 4))"
    }

    /// Rows of words as lines with columns of equal width.
    ///
    /// - Parameter leading: this many columns are aligned to the left, the others to the right.
    package static func table(_ rows: [[String]], leading: Int = 1) -> [String] {
        let widths = (rows.first ?? []).indices.map { column in
            rows.map { $0[column].count }.max() ?? 0
        }
        return rows.map { row in
            row.enumerated().map { column, word in
                let space = String(repeating: " ", count: widths[column] - word.count)
                return column < leading ? word + space : space + word
            }.joined(separator: "  ")
        }
    }
}
