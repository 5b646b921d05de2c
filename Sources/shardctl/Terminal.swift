// What people see: words on standard output, complaints and progress on standard error.
import Foundation
import TesseraBase

enum Terminal {
    /// Writes a line to standard output. Not `print`, which passes over a full disk.
    static func say(_ line: String) throws(TesseraError) {
        do {
            try FileHandle.standardOutput.write(contentsOf: Data((line + "\n").utf8))
        } catch {
            throw WriteFailure.error(WriteFailure.code(of: error), "standard output")
        }
    }

    /// Writes the one line a failure comes down to.
    static func complain(_ message: String) {
        let prefix = isTerminal ? "\u{1B}[31merror:\u{1B}[0m " : "error: "
        write("shardctl: \(prefix)\(message)\n")
    }

    /// Whether standard error is a terminal that wants colours.
    static var isTerminal: Bool {
        isatty(STDERR_FILENO) == 1 && ProcessInfo.processInfo.environment["NO_COLOR"] == nil
    }

    /// Writes to standard error; where even that is impossible, nobody is left to be told.
    static func write(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }

    /// Rows of words in columns of equal width, to the right.
    static func table(_ rows: [[String]]) -> [String] {
        let widths = (rows.first ?? []).indices.map { column in
            rows.map { $0[column].count }.max() ?? 0
        }
        return rows.map { row in
            zip(row, widths).map { word, width in
                String(repeating: " ", count: width - word.count) + word
            }.joined(separator: "  ")
        }
    }

    /// A value as indented JSON.
    static func json(_ value: some Encodable) throws(TesseraError) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        return try encode(value, encoder)
    }

    /// A value as one line of JSON, its keys in snake case.
    static func jsonLine(_ value: some Encodable) throws(TesseraError) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        return try encode(value, encoder)
    }

    private static func encode(_ value: some Encodable, _ encoder: JSONEncoder)
        throws(TesseraError) -> String
    {
        do {
            return String(decoding: try encoder.encode(value), as: UTF8.self)
        } catch {
            throw TesseraError(
                .invalidArgument, "the answer cannot be written as JSON", cause: error)
        }
    }
}

extension Int {
    /// With thousands apart: 60,000.
    var grouped: String {
        var digits = String(magnitude)
        var groups: [String] = []
        while digits.count > 3 {
            groups.insert(String(digits.suffix(3)), at: 0)
            digits.removeLast(3)
        }
        return (self < 0 ? "-" : "") + ([digits] + groups).joined(separator: ",")
    }
}

extension Int {
    /// With its unit: 1 shard, 2 shards.
    func counted(_ unit: String, _ units: String? = nil) -> String {
        "\(grouped) \(self == 1 ? unit : units ?? unit + "s")"
    }
}

extension UInt64 {
    /// As people write sizes: 41.2 MB.
    var asSize: String {
        let units = ["B", "kB", "MB", "GB", "TB", "PB"]
        var value = Double(self)
        var unit = 0
        while value >= 1000, unit < units.count - 1 {
            value /= 1000
            unit += 1
        }
        return unit == 0 ? "\(self) B" : "\(value.rounded(to: 1)) \(units[unit])"
    }
}

extension Double {
    /// With this many digits after the point, also where they are 0.
    func fixed(_ digits: Int) -> String {
        String(format: "%.\(digits)f", self)
    }

    func rounded(to digits: Int) -> Double {
        let scale = pow(10, Double(digits))
        return (self * scale).rounded() / scale
    }
}

extension Duration {
    var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
