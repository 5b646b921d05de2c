// Largest sizes of files and functions. The aims are lower (200 and 30 lines): see CONTRIBUTING.md.

/// Length checks. A function counts from its first line to its closing brace.
enum SizeRules {
    static let fileEnd = 500
    static let functionEnd = 70

    static func complaints(_ file: TextFile) -> [String] {
        let lines = file.text.split(separator: "\n", omittingEmptySubsequences: false).count - 1
        let long = lines > fileEnd ? ["\(file.path): \(lines) lines, the end is \(fileEnd)"] : []
        let bodies = file.isSwift ? swiftFunctions(file.text) : cBlocks(file.text)
        return long
            + bodies.filter { $0.lines > functionEnd }.map {
                "\(file.path):\($0.first): \($0.lines) lines in one function, the end is \(functionEnd)"
            }
    }

    /// The place and length of a declaration with a body.
    struct Extent: Equatable {
        /// Line number, counted from 1.
        let first: Int
        let lines: Int
    }

    /// Functions, initialisers, subscripts and computed properties that have a body.
    static func swiftFunctions(_ text: String) -> [Extent] {
        let code = CodeOnly.characters(of: text)
        let numbers = lineNumbers(code)
        return words(code).compactMap { word in
            guard ["func", "init", "deinit", "subscript", "var"].contains(word.text),
                word.start == 0 || code[word.start - 1] != ".",
                let open = bodyStart(code, after: word.end, ofVariable: word.text == "var"),
                let close = closingBrace(code, from: open)
            else { return nil }
            let first = numbers[word.start]
            return Extent(first: first, lines: numbers[close] - first + 1)
        }
    }

    /// Blocks of C that follow a closing parenthesis: functions, and the statements inside them,
    /// which are shorter.
    static func cBlocks(_ text: String) -> [Extent] {
        let code = CodeOnly.characters(of: text, .c)
        let numbers = lineNumbers(code)
        return code.indices.compactMap { open in
            guard code[open] == "{", lastVisible(code, before: open) == ")",
                let close = closingBrace(code, from: open)
            else { return nil }
            return Extent(first: numbers[open], lines: numbers[close] - numbers[open] + 1)
        }
    }

    private static func lineNumbers(_ code: [Character]) -> [Int] {
        var line = 1
        return code.map { character in
            defer { if character == "\n" { line += 1 } }
            return line
        }
    }

    private static func words(_ code: [Character]) -> [(text: String, start: Int, end: Int)] {
        var found: [(text: String, start: Int, end: Int)] = []
        var start: Int?
        for index in 0...code.count {
            let inside = index < code.count && code[index].isNamePart
            if inside, start == nil { start = index }
            if !inside, let from = start {
                found.append((String(code[from..<index]), from, index))
                start = nil
            }
        }
        return found
    }

    /// The brace that opens the body, or nil if the declaration has none (a requirement, a stored
    /// property).
    private static func bodyStart(
        _ code: [Character], after start: Int, ofVariable: Bool
    ) -> Int? {
        let starters: Set = [
            "func", "var", "let", "case", "static", "package", "public", "internal", "private",
            "mutating", "struct", "enum", "class", "actor", "extension", "protocol", "init",
        ]
        var depth = 0
        var word = ""
        for index in start..<code.count {
            let character = code[index]
            if character.isNamePart {
                word.append(character)
                continue
            }
            if depth == 0, starters.contains(word) { return nil }
            word = ""
            switch character {
            case "(", "[": depth += 1
            case ")", "]": depth -= 1
            case "{" where depth == 0: return index
            case "}" where depth == 0: return nil
            case "=" where depth == 0 && ofVariable: return nil
            default: break
            }
            if depth < 0 { return nil }
        }
        return nil
    }

    private static func closingBrace(_ code: [Character], from open: Int) -> Int? {
        var depth = 0
        for index in open..<code.count {
            if code[index] == "{" { depth += 1 }
            if code[index] == "}" { depth -= 1 }
            if depth == 0 { return index }
        }
        return nil
    }

    private static func lastVisible(_ code: [Character], before end: Int) -> Character? {
        code[..<end].last { !$0.isWhitespace }
    }
}
