// Just enough XML for a store's answers: elements and text. Strict and bounded: document types, and
// with them entity bombs and outside references, are refused, and so are deep nesting and anything
// left open.
//
// Foundation's parser would bring libxml2 with it.

/// An element with its text and its children.
package struct XMLTree: Sendable, Equatable {
    /// Name without a namespace prefix.
    package let name: String
    package var text = ""
    package var children: [XMLTree] = []

    /// What was wrong, and at which byte.
    package struct Malformed: Error, Sendable, Equatable {
        package let reason: String
        package let offset: Int
    }

    package init(name: String) {
        self.name = name
    }

    package init(_ bytes: [UInt8]) throws(Malformed) {
        var parser = Parser(bytes: bytes)
        self = try parser.document()
    }

    /// The first child of that name.
    package subscript(name: String) -> XMLTree? {
        children.first { $0.name == name }
    }

    /// All children of that name.
    package func all(_ name: String) -> [XMLTree] {
        children.filter { $0.name == name }
    }

    /// `text` with XML's special characters escaped.
    package static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&apos;"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}

private struct Parser {
    private static let depthLimit = 16
    let bytes: [UInt8]
    var place = 0

    mutating func document() throws(XMLTree.Malformed) -> XMLTree {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { place = 3 }
        try skipProlog()
        let root = try element(depth: 0)
        try skipProlog()
        guard place == bytes.count else { throw malformed("something follows the document") }
        return root
    }

    /// Skips white space, the declaration and comments.
    private mutating func skipProlog() throws(XMLTree.Malformed) {
        while true {
            skipSpace()
            if starts(with: "<?") {
                try skip(past: "?>")
            } else if starts(with: "<!--") {
                try skip(past: "-->")
            } else {
                return
            }
        }
    }

    private mutating func element(depth: Int) throws(XMLTree.Malformed) -> XMLTree {
        guard depth < Self.depthLimit else { throw malformed("elements are nested too deeply") }
        guard take("<") else { throw malformed("an element was expected") }
        let name = try self.name()
        try skipAttributes()
        var tree = XMLTree(name: localName(name))
        if take("/>") { return tree }
        guard take(">") else { throw malformed("the tag of '\(name)' is not closed") }
        var text: [UInt8] = []
        while !take("</") {
            guard place < bytes.count else { throw malformed("'\(name)' has no end") }
            if starts(with: "<!--") {
                try skip(past: "-->")
            } else if bytes[place] == UInt8(ascii: "<") {
                tree.children.append(try element(depth: depth + 1))
            } else if bytes[place] == UInt8(ascii: "&") {
                text += try entity()
            } else {
                text.append(bytes[place])
                place += 1
            }
        }
        guard try self.name() == name else { throw malformed("'\(name)' is ended by another") }
        skipSpace()
        guard take(">") else { throw malformed("the end of '\(name)' is not closed") }
        guard let clean = String(validating: text, as: UTF8.self) else {
            throw malformed("the text of '\(name)' is not UTF-8")
        }
        tree.text = clean
        return tree
    }

    private mutating func skipAttributes() throws(XMLTree.Malformed) {
        while true {
            skipSpace()
            guard place < bytes.count else { throw malformed("a tag has no end") }
            if starts(with: "/>") || starts(with: ">") { return }
            _ = try name()
            skipSpace()
            guard take("=") else { throw malformed("an attribute has no value") }
            skipSpace()
            if take("\"") {
                try skip(past: "\"")
            } else if take("'") {
                try skip(past: "'")
            } else {
                throw malformed("an attribute's value has no quotes")
            }
        }
    }

    private mutating func entity() throws(XMLTree.Malformed) -> [UInt8] {
        guard let end = bytes[place...].prefix(12).firstIndex(of: UInt8(ascii: ";")) else {
            throw malformed("an '&' begins no entity")
        }
        let body = String(decoding: bytes[place + 1..<end], as: UTF8.self)
        defer { place = end + 1 }
        switch body {
        case "amp": return Array("&".utf8)
        case "lt": return Array("<".utf8)
        case "gt": return Array(">".utf8)
        case "quot": return Array("\"".utf8)
        case "apos": return Array("'".utf8)
        default: break
        }
        let number =
            body.hasPrefix("#x")
            ? UInt32(body.dropFirst(2), radix: 16)
            : body.hasPrefix("#") ? UInt32(body.dropFirst()) : nil
        guard let number, let scalar = Unicode.Scalar(number) else {
            throw malformed("the entity '&\(body);' is unknown")
        }
        return Array(String(Character(scalar)).utf8)
    }

    private mutating func name() throws(XMLTree.Malformed) -> String {
        let start = place
        while place < bytes.count, isNamePart(bytes[place]) { place += 1 }
        guard place > start else { throw malformed("a name was expected") }
        return String(decoding: bytes[start..<place], as: UTF8.self)
    }

    private func isNamePart(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "_"), UInt8(ascii: ":"), 0x80...:
            true
        default: false
        }
    }

    private func localName(_ name: String) -> String {
        name.split(separator: ":").last.map(String.init) ?? name
    }

    private mutating func skipSpace() {
        while place < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[place]) { place += 1 }
    }

    private mutating func skip(past end: StaticString) throws(XMLTree.Malformed) {
        while place < bytes.count {
            if take(end) { return }
            place += 1
        }
        throw malformed("'\(end)' was expected")
    }

    private mutating func take(_ text: StaticString) -> Bool {
        guard starts(with: text) else { return false }
        place += text.utf8CodeUnitCount
        return true
    }

    private func starts(with text: StaticString) -> Bool {
        let wanted = "\(text)".utf8
        return bytes.count - place >= wanted.count && bytes[place...].starts(with: wanted)
    }

    private func malformed(_ reason: String) -> XMLTree.Malformed {
        XMLTree.Malformed(reason: reason, offset: place)
    }
}
