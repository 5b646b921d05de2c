// Leaf requests as protobuf messages. Every field is checked before it is used.
package import Foundation
import SearchTypes
package import TesseraBase
package import VectorCore

/// The message of a leaf request.
package typealias WireSearchRequest = Tessera_Worker_V1_SearchRequest

extension PartsRequest {
    /// This request as a message.
    package var message: WireSearchRequest {
        var message = WireSearchRequest()
        message.index = index
        message.version = UInt32(clamping: version)
        message.k = UInt32(clamping: k)
        message.refineDepth = UInt32(clamping: refineDepth)
        message.timeoutMicroseconds = timeout.map(Self.microseconds) ?? 0
        message.dimension = UInt32(clamping: queries.columns)
        message.queries = WireFloats.data(queries.elements)
        message.transformed = WireFloats.data(transformed?.elements ?? [])
        message.partQueries = parts.map { UInt32(clamping: $0.query) }
        message.partLists = parts.map { UInt32(clamping: $0.lists.count) }
        message.shards = parts.flatMap(\.shards)
        message.lists = parts.flatMap(\.lists)
        if parts.contains(where: \.isShared) { message.partIsShared = parts.map(\.isShared) }
        return message
    }

    /// Reads a request. Throws `invalidArgument` for a message that no coordinator makes.
    package init(_ message: WireSearchRequest) throws(TesseraError) {
        func check(_ holds: Bool, _ what: String) throws(TesseraError) {
            guard holds else {
                throw TesseraError(.invalidArgument, "the search request has \(what)")
            }
        }
        let dimension = Int(message.dimension)
        try check((1...WireLimits.dimension).contains(dimension), "impossible dimensions")
        try check((1...WireLimits.k).contains(Int(message.k)), "k \(message.k)")
        try check(
            Int(message.refineDepth) <= WireLimits.refineDepth, "refine \(message.refineDepth)")
        try check(message.partQueries.count <= WireLimits.parts, "too many parts")
        try check(message.partLists.count == message.partQueries.count, "parts without lists")
        try check(
            message.partIsShared.isEmpty
                || message.partIsShared.count == message.partQueries.count,
            "a number of shared flags that differs from its number of parts")
        try check(message.shards.count <= WireLimits.lists, "too many lists")
        try check(message.lists.count == message.shards.count, "lists without shards")
        let total = message.partLists.reduce(UInt64(0)) { $0 + UInt64($1) }
        try check(
            total == UInt64(message.lists.count),
            "a number of lists that differs from its parts' sum")
        let queries = try WireFloats.matrix(message.queries, columns: dimension, "queries")
        try check((1...WireLimits.queries).contains(queries.rows), "\(queries.rows) queries")
        try check(
            message.partQueries.allSatisfy { $0 < queries.rows }, "a part whose query it lacks")
        self.init(
            index: message.index, version: Int(message.version), k: Int(message.k),
            refineDepth: Int(message.refineDepth),
            timeout: message.timeoutMicroseconds == 0
                ? nil : .microseconds(Int64(clamping: min(message.timeoutMicroseconds, 1 << 50))),
            queries: queries, transformed: try Self.transformed(message, rows: queries.rows),
            parts: Self.parts(message))
    }

    private static func transformed(_ message: WireSearchRequest, rows: Int)
        throws(TesseraError) -> Matrix?
    {
        guard !message.transformed.isEmpty else { return nil }
        let columns = message.transformed.count / 4 / rows
        guard (1...WireLimits.dimension).contains(columns) else {
            throw TesseraError(.invalidArgument, "the search request has impossible dimensions")
        }
        let matrix = try WireFloats.matrix(message.transformed, columns: columns, "rotated queries")
        guard matrix.rows == rows else {
            throw TesseraError(
                .invalidArgument, "the search request has \(matrix.rows) rotated queries of \(rows)"
            )
        }
        return matrix
    }

    /// Reads the parts. The counts must fit the fields.
    private static func parts(_ message: WireSearchRequest) -> [SearchPart] {
        var first = 0
        return message.partQueries.indices.map { part in
            let range = first..<first + Int(message.partLists[part])
            first = range.upperBound
            return SearchPart(
                query: Int(message.partQueries[part]), shards: Array(message.shards[range]),
                lists: Array(message.lists[range]),
                isShared: !message.partIsShared.isEmpty && message.partIsShared[part])
        }
    }

    private static func microseconds(_ duration: Duration) -> UInt64 {
        // 0 would mean no limit.
        UInt64(max(1, min(Double(1 << 50), duration / .microseconds(1))))
    }
}

/// Runs of little-endian float32 in messages.
package enum WireFloats {
    /// The bytes of `values`.
    package static func data(_ values: [Float]) -> Data {
        var writer = ByteWriter()
        writer.floats(values)
        return Data(writer.bytes)
    }

    /// Reads rows of floats. Throws `invalidArgument` unless the bytes are whole rows of finite
    /// numbers.
    ///
    /// - Parameter what: what the bytes are, for the message.
    package static func matrix(_ data: Data, columns: Int, _ what: String)
        throws(TesseraError) -> Matrix
    {
        let rowBytes = 4 * columns
        guard data.count.isMultiple(of: rowBytes) else {
            throw TesseraError(
                .invalidArgument, "\(what): \(data.count) bytes are not rows of \(columns) floats")
        }
        var reader = ByteReader([UInt8](data), what: what)
        let values = try reader.floats(data.count / 4)
        guard values.allSatisfy(\.isFinite) else {
            throw TesseraError(.invalidArgument, "\(what): a component is not a finite number")
        }
        return Matrix(rows: data.count / rowBytes, columns: columns, elements: values)
    }
}
