// The part of JSON Schema that openapi.json uses.
import Foundation

/// Compares values with the schemas of a document.
struct SchemaChecker {
    private let schemas: [String: [String: Any]]

    init(_ document: [String: Any]) {
        let components = document["components"] as? [String: Any]
        schemas = components?["schemas"] as? [String: [String: Any]] ?? [:]
    }

    /// The places of `value` that do not fit the schema.
    func complaints(_ value: Any, schema: String) -> [String] {
        guard let known = schemas[schema] else { return ["there is no schema \(schema)"] }
        return complaints(value, known, at: schema)
    }

    private func complaints(_ value: Any, _ schema: [String: Any], at place: String) -> [String] {
        if let reference = schema["$ref"] as? String {
            return complaints(
                value, schema: reference.split(separator: "/").last.map(String.init) ?? "")
        }
        var found: [String] = []
        if let type = schema["type"] {
            let types = type as? [String] ?? [type as? String ?? ""]
            if !types.contains(where: { Self.isA(value, $0) }) {
                return ["\(place) is no \(types)"]
            }
        }
        if let values = schema["enum"] as? [Any],
            !values.contains(where: { "\($0)" == "\(value)" })
        {
            found.append("\(place) is \(value)")
        }
        if let constant = schema["const"], "\(constant)" != "\(value)" {
            found.append("\(place) is \(value)")
        }
        if let minimum = schema["minimum"] as? Double, let number = value as? Double,
            number < minimum
        {
            found.append("\(place) is below \(minimum)")
        }
        if let items = schema["items"] as? [String: Any], let list = value as? [Any] {
            found += list.flatMap { complaints($0, items, at: "\(place)[]") }
        }
        if let object = value as? [String: Any] {
            found += complaints(object, schema, at: place)
        }
        return found
    }

    private func complaints(
        _ object: [String: Any], _ schema: [String: Any], at place: String
    ) -> [String] {
        let properties = schema["properties"] as? [String: [String: Any]] ?? [:]
        var found = (schema["required"] as? [String] ?? []).filter { object[$0] == nil }
            .map { "\(place) has no \($0)" }
        for (name, value) in object {
            if let property = properties[name] {
                found += complaints(value, property, at: "\(place).\(name)")
            } else if let others = schema["additionalProperties"] as? [String: Any] {
                found += complaints(value, others, at: "\(place).\(name)")
            } else if schema["additionalProperties"] as? Bool == false {
                found.append("\(place) has \(name), which the schema does not know")
            }
        }
        return found
    }

    private static func isA(_ value: Any, _ type: String) -> Bool {
        switch type {
        case "object": value is [String: Any]
        case "array": value is [Any]
        case "string": value is String
        case "boolean": value is Bool
        case "number": value is NSNumber || value is Double || value is Int
        case "integer": (value as? Double).map { $0 == $0.rounded() } ?? (value is Int)
        case "null": value is NSNull
        default: false
        }
    }
}
