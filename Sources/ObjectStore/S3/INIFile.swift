// The format of AWS's shared files: sections in brackets, `name = value`, comments after # or ;.
import HTTPClient
package import TesseraBase

/// Values by section and lower-case name.
package struct INIFile: Sendable, Equatable {
    private var sections: [String: [String: String]] = [:]

    /// Throws `invalidArgument` naming file and line. Values are never quoted in a message: they
    /// are secrets.
    package init(_ text: String, path: String) throws(TesseraError) {
        var section: String?
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (index, line) in lines.enumerated() {
            func refusal(_ reason: String) -> TesseraError {
                TesseraError(.invalidArgument, "\(path), line \(index + 1): \(reason)")
            }
            let text = line.trimmingASCIISpace()
            if text.isEmpty || text.hasPrefix("#") || text.hasPrefix(";") { continue }
            if text.hasPrefix("[") {
                guard let end = text.firstIndex(of: "]") else {
                    throw refusal("the section has no closing ']'")
                }
                let name = text[text.index(after: text.startIndex)..<end].trimmingASCIISpace()
                section = String(name)
                sections[String(name)] = sections[String(name)] ?? [:]
                continue
            }
            // Indented lines are settings of a nested group (s3 =), which hold nothing of interest
            // here.
            if line.first == " " || line.first == "\t" { continue }
            guard let section else { throw refusal("a value stands before the first [section]") }
            guard let equals = text.firstIndex(of: "=") else {
                throw refusal("neither a [section] nor 'name = value'")
            }
            let name = text[..<equals].trimmingASCIISpace().lowercased()
            let value = text[text.index(after: equals)...].trimmingASCIISpace()
            sections[section, default: [:]][name] = String(value)
        }
    }

    /// The values of a section; nil if there is no such section.
    package subscript(section: String) -> [String: String]? { sections[section] }

    package var sectionNames: [String] { sections.keys.sorted() }
}
