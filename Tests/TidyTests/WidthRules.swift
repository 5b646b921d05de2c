// The width of comments. The formatter breaks code and leaves long comments as they are.

/// Finds comments that go beyond the last column.
enum WidthRules {
    static let columns = 100
    static func complaints(_ file: TextFile) -> [String] {
        guard file.isSwift || file.isC else { return [] }
        let lines = file.text.split(separator: "\n", omittingEmptySubsequences: false)
        return lines.enumerated().filter { _, line in
            line.count > columns && !line.contains("://") && hasComment(line, isC: file.isC)
        }.map {
            "\(file.path):\($0.offset + 1): \($0.element.count) columns, the end is \(columns)"
        }
    }

    /// Whether the line is part of a comment, or has one that begins outside a string.
    private static func hasComment(_ line: Substring, isC: Bool) -> Bool {
        let text = line.drop { $0 == " " }
        if text.hasPrefix("//") || text.hasPrefix("/*") || (isC && text.hasPrefix("*")) {
            return true
        }
        return (isC ? [" // ", " /* "] : [" // "]).contains { opener in
            line.ranges(of: opener).contains { found in
                line[..<found.lowerBound].count { $0 == "\"" }.isMultiple(of: 2)
            }
        }
    }
}
