// The body of a native search request, read in one pass.
//
// Invariants: every field is known and given once; values that need no index to be checked are in
// range.

/// What a search request asks for. The service checks what depends on the version.
package struct SearchBody: Sendable, Equatable {
    /// The field that the queries came in.
    package enum Query: Sendable, Equatable {
        case vector
        case vectors
        case id(String)
    }

    /// What results carry besides their id and score.
    package struct Extras: OptionSet, Sendable, Hashable {
        package let rawValue: Int

        package init(rawValue: Int) {
            self.rawValue = rawValue
        }

        package static let distance = Extras(rawValue: 1)
        package static let vector = Extras(rawValue: 2)
        package static let metadata = Extras(rawValue: 4)
    }

    package var query = Query.vector
    /// Queries `[queries][dimension]`; empty if the query is an id.
    package var floats: [Float] = []
    package var k = 10
    package var recall: Double?
    package var nprobe: Int?
    package var refine: Int?
    package var scoreThreshold: Float?
    package var deadlineMilliseconds: Double?
    package var allowPartial = false
    package var extras = Extras.distance
    package var version: Int?
    package var explain = false

    init() {}
}

/// Bounds of what a body may hold.
package struct BodyLimits: Sendable {
    /// Components of a query.
    package let dimension: Int
    /// Queries in a request.
    package let batch: Int

    package init(dimension: Int, batch: Int) {
        self.dimension = dimension
        self.batch = batch
    }
}

extension SearchBody {
    /// This request in the service's words.
    var request: SearchQuery {
        var request: SearchQuery
        if case .id(let id) = query {
            request = SearchQuery(.id(id))
        } else {
            request = SearchQuery(.vectors(floats))
        }
        request.k = k
        request.effort =
            recall.map { .recall($0) } ?? .parameters(nprobe: nprobe, refine: refine)
        request.deadline = deadlineMilliseconds.map { .nanoseconds(Int64($0 * 1e6)) }
        request.allowsPartial = allowPartial
        if extras.contains(.vector) { request.extras.insert(.vectors) }
        if extras.contains(.metadata) { request.extras.insert(.metadata) }
        if explain { request.extras.insert(.receipts) }
        request.version = version
        return request
    }
}

extension SearchBody {
    private enum Field: String, CaseIterable {
        case vector, vectors, id, k, recall, nprobe, refine, with, version, explain
        case scoreThreshold = "score_threshold"
        case deadline = "deadline_ms"
        case allowPartial = "allow_partial"

        var number: UInt32 {
            switch self {
            case .vector: 0
            case .vectors: 1
            case .id: 2
            case .k: 3
            case .recall: 4
            case .nprobe: 5
            case .refine: 6
            case .with: 7
            case .version: 8
            case .explain: 9
            case .scoreThreshold: 10
            case .deadline: 11
            case .allowPartial: 12
            }
        }
    }

    /// A set of fields in one integer, which needs no allocation.
    private struct FieldSet {
        private var bits: UInt32 = 0

        /// Returns false if the field was in the set already.
        mutating func insert(_ field: Field) -> Bool {
            defer { bits |= 1 << field.number }
            return !contains(field)
        }

        func contains(_ field: Field) -> Bool { bits & 1 << field.number != 0 }
    }

    private static let deadlines = 0.0...600_000

    /// Reads a body.
    ///
    /// - Throws: `invalidArgument` with the field, and the offset of bytes that are not JSON.
    package init(
        _ bytes: borrowing Span<UInt8>, limits: BodyLimits
    ) throws(APIError) {
        self.init()
        var cursor = JSONCursor()
        var seen = FieldSet()
        try cursor.expect(UInt8(ascii: "{"), bytes, "at the beginning")
        if !cursor.take(UInt8(ascii: "}"), bytes) {
            repeat {
                let field = try Self.field(bytes, &cursor)
                guard seen.insert(field) else {
                    throw cursor.failure(
                        "\(field.rawValue) is given twice", field: field.rawValue)
                }
                try read(field, bytes, &cursor, limits)
            } while cursor.take(UInt8(ascii: ","), bytes)
            try cursor.expect(UInt8(ascii: "}"), bytes, "or ',' after a value")
        }
        try cursor.expectEnd(bytes)
        try check(seen)
    }

    private static func field(
        _ bytes: borrowing Span<UInt8>, _ cursor: inout JSONCursor
    ) throws(APIError) -> Field {
        let name = try cursor.name(bytes)
        guard let field = Field(rawValue: name) else {
            throw APIError(
                .invalidArgument,
                "there is no field '\(name)'; those there are: "
                    + Field.allCases.map(\.rawValue).joined(separator: ", "),
                field: name, offset: cursor.position)
        }
        try cursor.expect(UInt8(ascii: ":"), bytes, "after the name of a field")
        return field
    }

    private mutating func read(
        _ field: Field, _ bytes: borrowing Span<UInt8>, _ cursor: inout JSONCursor,
        _ limits: BodyLimits
    ) throws(APIError) {
        let name = field.rawValue
        switch field {
        case .vector:
            query = .vector
            floats = try cursor.vector(bytes, limits, field: name)
        case .vectors:
            query = .vectors
            floats = try cursor.vectors(bytes, limits, field: name)
        case .id: query = .id(try cursor.string(bytes, limit: 65_536, field: name))
        case .k: k = try cursor.integer(bytes, field: name)
        case .recall: recall = try cursor.double(bytes, field: name)
        case .nprobe: nprobe = try cursor.integer(bytes, field: name)
        case .refine: refine = try cursor.integer(bytes, field: name)
        case .scoreThreshold: scoreThreshold = try cursor.float(bytes, field: name)
        case .deadline: deadlineMilliseconds = try cursor.double(bytes, field: name)
        case .allowPartial: allowPartial = try cursor.boolean(bytes, field: name)
        case .with: extras = try cursor.extras(bytes, field: name)
        case .version: version = try cursor.integer(bytes, field: name)
        case .explain: explain = try cursor.boolean(bytes, field: name)
        }
    }

    /// Refuses fields that exclude each other.
    private func check(_ seen: FieldSet) throws(APIError) {
        let given = [Field.vector, .vectors, .id].filter(seen.contains)
        guard given.count == 1 else {
            throw APIError(
                .invalidArgument, "give exactly one of vector, vectors and id, not \(given.count)",
                field: given.last?.rawValue ?? "vector")
        }
        if recall != nil, let other = [Field.nprobe, .refine].first(where: seen.contains) {
            throw APIError(
                .invalidArgument,
                "recall chooses the lists and candidates itself; leave out \(other.rawValue)",
                field: other.rawValue)
        }
        if let deadlineMilliseconds, !Self.deadlines.contains(deadlineMilliseconds) {
            throw APIError(
                .invalidArgument,
                "deadline_ms \(deadlineMilliseconds) is out of range; give 0 to 600000",
                field: Field.deadline.rawValue)
        }
    }
}
