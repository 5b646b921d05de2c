// The answers of `query` as lines of JSON.
import Foundation
import Reporting
import SearchTypes
import TesseraBase

/// One query's answer as a line of JSON, with its fields in reading order.
struct AnswerLine {
    let text: String

    init(query: Int, _ answer: SearchAnswer, explain: Bool) {
        let hits = answer.hits.map { hit in
            "{\"id\":\(Self.quoted(hit.id)),\"distance\":\(hit.distance)}"
        }
        var line = "{\"query\":\(query),\"hits\":[\(hits.joined(separator: ","))]"
        if explain { line += ",\"receipt\":\(Self.receipt(answer.receipt))" }
        text = line + "}"
    }

    private static func receipt(_ cost: Receipt) -> String {
        let fields: [(String, any CustomStringConvertible)] = [
            ("shardsOffered", cost.shardsOffered), ("shardsTouched", cost.shardsTouched),
            ("listsScanned", cost.listsScanned), ("codesScanned", cost.codesScanned),
            ("rowsRefined", cost.rowsRefined), ("reads", cost.reads),
            ("roundTrips", cost.roundTrips), ("bytesRead", cost.bytesRead),
            ("routeMicroseconds", cost.route.microseconds),
            ("chooseListsMicroseconds", cost.chooseLists.microseconds),
            ("scanMicroseconds", cost.scan.microseconds),
            ("refineMicroseconds", cost.refine.microseconds),
            ("resolveMicroseconds", cost.resolve.microseconds),
        ]
        return "{" + fields.map { "\"\($0)\":\($1)" }.joined(separator: ",") + "}"
    }

    /// A JSON string (RFC 8259, section 7).
    static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\u{0}"..<" ":
                quoted += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}

extension Duration {
    var microseconds: Double { (seconds * 1e6).rounded(to: 1) }
}
