// Source text with comments, strings and quoted names blanked out, so that the rules see code
// alone. Lengths and line breaks stay, so a place in the result is a place in the file.

/// Blanks everything but code. Knows nested block comments, raw and multi-line strings,
/// interpolation (blanked with its string) and backticks, but no regex literals, which this
/// repository does not use.
struct CodeOnly {
    enum Language { case swift, c }

    private let input: [Character]
    private let language: Language
    private var output: [Character]
    private var position = 0

    private init(_ text: String, _ language: Language) {
        input = Array(text)
        output = input
        self.language = language
    }

    /// The lines of `text` with everything but code blanked.
    static func lines(of text: String, _ language: Language = .swift) -> [String] {
        String(characters(of: text, language)).split(
            separator: "\n", omittingEmptySubsequences: false
        ).map(String.init)
    }

    static func characters(of text: String, _ language: Language = .swift) -> [Character] {
        var scanner = CodeOnly(text, language)
        while scanner.position < scanner.input.count { scanner.step() }
        return scanner.output
    }

    private mutating func step() {
        if at("//") {
            blank(while: { !$0.at("\n") })
        } else if at("/*") {
            blankBlockComment()
        } else if language == .swift, at("`") {
            blankQuoted("`")
        } else if language == .c, at("'") {
            blankQuoted("'")
        } else if language == .c, at("\"") {
            blankQuoted("\"")
        } else if at("\"") || (at("#") && hashes(at: position).quote) {
            blankString()
        } else {
            position += 1
        }
    }

    private func at(_ word: String) -> Bool {
        var index = position
        for character in word {
            guard index < input.count, input[index] == character else { return false }
            index += 1
        }
        return true
    }

    private mutating func blank(_ count: Int = 1) {
        for _ in 0..<count where position < input.count {
            if input[position] != "\n" { output[position] = " " }
            position += 1
        }
    }

    private mutating func blank(while condition: (CodeOnly) -> Bool) {
        while position < input.count, condition(self) { blank() }
    }

    private mutating func blankBlockComment() {
        var depth = 0
        repeat {
            if at("/*") {
                depth += 1
                blank(2)
            } else if at("*/") {
                depth -= 1
                blank(2)
            } else {
                blank()
            }
        } while depth > 0 && position < input.count
    }

    private mutating func blankQuoted(_ quote: String) {
        blank()
        while position < input.count, !at(quote), !at("\n") { blank(at("\\") ? 2 : 1) }
        blank()
    }

    /// The number of `#` at `index`, and whether a quote follows them.
    private func hashes(at index: Int) -> (count: Int, quote: Bool) {
        var end = index
        while end < input.count, input[end] == "#" { end += 1 }
        return (end - index, end < input.count && input[end] == "\"")
    }

    private mutating func blankString() {
        let hashCount = hashes(at: position).count
        let pounds = String(repeating: "#", count: hashCount)
        blank(hashCount)
        let quote = at("\"\"\"") ? "\"\"\"" : "\""
        blank(quote.count)
        while position < input.count, !at(quote + pounds) {
            if quote.count == 1, at("\n") { return }
            if at("\\" + pounds + "(") {
                blank(2 + hashCount)
                blankInterpolation()
            } else {
                blank(at("\\" + pounds) ? 2 + hashCount : 1)
            }
        }
        blank(quote.count + hashCount)
    }

    private mutating func blankInterpolation() {
        var depth = 1
        while position < input.count, depth > 0 {
            if at("\"") {
                blankString()
                continue
            }
            if at("(") { depth += 1 }
            if at(")") { depth -= 1 }
            blank()
        }
    }
}

extension Character {
    /// Whether a Swift or C name can contain this character.
    var isNamePart: Bool { isLetter || isNumber || self == "_" }
}

extension String {
    /// Places of `word` where it is not the beginning or the end of a longer name.
    func places(of word: String) -> [Range<String.Index>] {
        ranges(of: word).filter { found in
            let before =
                found.lowerBound == startIndex ? nil : self[index(before: found.lowerBound)]
            let after = found.upperBound == endIndex ? nil : self[found.upperBound]
            let opens = word.first?.isNamePart == true && before?.isNamePart == true
            let closes = word.last?.isNamePart == true && after?.isNamePart == true
            return !opens && !closes
        }
    }
}
