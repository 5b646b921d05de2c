// The bodies of publish and rollback, each an object with one field.
import NIOCore

/// Reads bodies with a single field.
enum AdminBody {
    /// Reads the body of a publish: the draft's id.
    static func draft(_ body: ByteBuffer) throws(APIError) -> String {
        try only("draft", body.readableBytesUInt8Span) { bytes, cursor throws(APIError) in
            try cursor.string(bytes, limit: 100, field: "draft")
        }
    }

    /// Reads the body of a rollback: the version's number.
    static func version(_ body: ByteBuffer) throws(APIError) -> Int {
        try only("version", body.readableBytesUInt8Span) { bytes, cursor throws(APIError) in
            try cursor.integer(bytes, field: "version")
        }
    }

    private static func only<Value>(
        _ field: String, _ bytes: borrowing Span<UInt8>,
        _ read: (borrowing Span<UInt8>, inout JSONCursor) throws(APIError) -> Value
    ) throws(APIError) -> Value {
        var cursor = JSONCursor()
        var value: Value?
        try cursor.expect(UInt8(ascii: "{"), bytes, "at the beginning")
        if !cursor.take(UInt8(ascii: "}"), bytes) {
            repeat {
                let name = try cursor.name(bytes)
                guard name == field else {
                    throw APIError(
                        .invalidArgument, "there is no field '\(name)'; give only \(field)",
                        field: name, offset: cursor.position)
                }
                guard value == nil else {
                    throw cursor.failure("\(field) is given twice", field: field)
                }
                try cursor.expect(UInt8(ascii: ":"), bytes, "after the name of a field")
                value = try read(bytes, &cursor)
            } while cursor.take(UInt8(ascii: ","), bytes)
            try cursor.expect(UInt8(ascii: "}"), bytes, "or ',' after a value")
        }
        try cursor.expectEnd(bytes)
        guard let value else {
            throw APIError(.invalidArgument, "\(field) is missing", field: field)
        }
        return value
    }
}
