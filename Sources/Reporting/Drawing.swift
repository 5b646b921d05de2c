// Inline SVG for the charts of a report. Colours are variables of the page's style sheet, which
// sets them for light, dark and print.
import Foundation

/// Builds one drawing; the origin is the upper left corner.
package struct Drawing {
    package let width: Double
    package let height: Double
    private var body = ""

    package init(width: Double, height: Double) {
        self.width = width
        self.height = height
    }

    /// Adds a line between two points.
    package mutating func line(
        _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ style: String = "grid"
    ) {
        body +=
            "<line class=\"\(style)\" x1=\"\(n(x1))\" y1=\"\(n(y1))\" x2=\"\(n(x2))\" y2=\"\(n(y2))\"/>"
    }

    /// Adds a rectangle; `title` shows when it is pointed at.
    package mutating func rectangle(
        _ x: Double, _ y: Double, _ width: Double, _ height: Double, _ style: String,
        fill: String? = nil, title: String = ""
    ) {
        let fill = fill.map { " style=\"fill:\($0)\"" } ?? ""
        body +=
            "<rect class=\"\(style)\"\(fill) x=\"\(n(x))\" y=\"\(n(y))\" width=\"\(n(max(0, width)))\" "
            + "height=\"\(n(max(0, height)))\"><title>\(Self.escaped(title))</title></rect>"
    }

    /// Adds a dot; `title` shows when it is pointed at.
    package mutating func circle(_ x: Double, _ y: Double, _ radius: Double, title: String) {
        body +=
            "<circle class=\"dot\" cx=\"\(n(x))\" cy=\"\(n(y))\" r=\"\(n(radius))\">"
            + "<title>\(Self.escaped(title))</title></circle>"
    }

    /// Adds a line through several points.
    package mutating func path(_ points: [(x: Double, y: Double)], _ style: String) {
        let text = points.map { "\(n($0.x)),\(n($0.y))" }.joined(separator: " ")
        body += "<polyline class=\"\(style)\" points=\"\(text)\"/>"
    }

    /// Places a text.
    ///
    /// - Parameter anchor: `start`, `middle` or `end`.
    package mutating func text(
        _ text: String, _ x: Double, _ y: Double, _ anchor: String = "middle",
        style: String = "label"
    ) {
        body +=
            "<text class=\"\(style)\" x=\"\(n(x))\" y=\"\(n(y))\" text-anchor=\"\(anchor)\">"
            + "\(Self.escaped(text))</text>"
    }

    /// The finished element; `name` is its label for screen readers.
    package func svg(_ name: String) -> String {
        "<svg viewBox=\"0 0 \(n(width)) \(n(height))\" role=\"img\" aria-label=\"\(Self.escaped(name))\">\(body)</svg>"
    }

    private func n(_ value: Double) -> String {
        let text = String(format: "%.1f", value)
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    /// Text that is safe in HTML and SVG.
    package static func escaped(_ text: String) -> String {
        var escaped = ""
        for character in text {
            switch character {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            default: escaped.append(character)
            }
        }
        return escaped
    }
}

/// Maps a range of numbers linearly to a range of pixels.
package struct Axis {
    package let low: Double
    package let high: Double
    package let start: Double
    package let end: Double

    package init(low: Double, high: Double, start: Double, end: Double) {
        (self.low, self.high, self.start, self.end) = (low, high, start, end)
    }

    /// The pixel of a number.
    package func callAsFunction(_ value: Double) -> Double {
        high > low ? start + (value - low) / (high - low) * (end - start) : (start + end) / 2
    }

    /// About `count` round numbers between both ends.
    package func ticks(_ count: Int) -> [Double] {
        guard high > low else { return [low] }
        let raw = (high - low) / Double(count)
        let power = pow(10, log10(raw).rounded(.down))
        let step = [1, 2, 5, 10].map { $0 * power }.first { $0 >= raw } ?? 10 * power
        let first = Int((low / step).rounded(.up))
        let last = Int((high / step + 1e-9).rounded(.down))
        return first <= last ? (first...last).map { Double($0) * step } : []
    }
}
