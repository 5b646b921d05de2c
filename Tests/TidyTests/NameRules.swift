// The names of tests: each is one sentence, as a raw identifier.

/// Finds tests that are named otherwise.
enum NameRules {
    static func complaints(_ file: TextFile) -> [String] {
        guard file.isSwift, file.path.hasPrefix("Tests/") else { return [] }
        let raw = Array(file.text)
        let code = CodeOnly.characters(of: file.text)
        let text = String(code)
        return text.places(of: "@Test").compactMap { place in
            let start = text.distance(from: text.startIndex, to: place.lowerBound)
            let end = start + "@Test".count
            guard hasDisplayName(raw, from: end) || !hasRawName(raw, code, from: end) else {
                return nil
            }
            let line = raw[..<start].count { $0 == "\n" } + 1
            return "\(file.path):\(line): name the test by one sentence, @Test func `it does so`()"
        }
    }

    /// Whether the first argument of the attribute is a string.
    private static func hasDisplayName(_ raw: [Character], from end: Int) -> Bool {
        guard end < raw.count, raw[end] == "(" else { return false }
        return raw[(end + 1)...].first { !$0.isWhitespace } == "\""
    }

    /// Whether the function behind the attribute has a name in backticks, which `code` has blanked.
    private static func hasRawName(_ raw: [Character], _ code: [Character], from end: Int) -> Bool {
        let rest = String(code[end...])
        guard let word = rest.places(of: "func").first else { return false }
        let offset = rest.distance(from: rest.startIndex, to: word.upperBound)
        return raw[(end + offset)...].first { !$0.isWhitespace } == "`"
    }
}
