// The query set object: queries and their exact nearest neighbours, by which recall is measured.
// The neighbours are external ids, so a set stays true however the vectors are cut into shards.
package import TesseraBase
package import VectorCore

/// Queries and their exact neighbours.
package struct QuerySet: Sendable, Equatable {
    /// The largest `k` of a set.
    package static let largestK = 1024

    /// `[count][dimension]`, of unit length for cosine.
    package let queries: Matrix
    /// Number of neighbours that count.
    package let k: Int
    /// External ids of queries that are vectors of the index. Each is left out of its own
    /// neighbours.
    package let ownIDs: [String]?
    /// External ids of each query's k nearest vectors, and of those exactly as far as the k-th.
    package let neighbours: [[String]]

    /// - Precondition: some queries; a list of neighbours for each, and an own id for each or none.
    package init(queries: Matrix, k: Int, ownIDs: [String]?, neighbours: [[String]]) {
        precondition(queries.rows > 0 && neighbours.count == queries.rows, "one list a query")
        precondition(ownIDs.map { $0.count == queries.rows } ?? true, "one own id a query")
        self.queries = queries
        self.k = k
        self.ownIDs = ownIDs
        self.neighbours = neighbours
    }
}

/// Writes and reads a query set.
package enum QuerySetFile {
    private static let ownIDsFlag: UInt32 = 1

    /// Writes a query set object.
    package static func write(_ set: QuerySet) throws(TesseraError) -> ContainerImage {
        var parameters = ByteWriter()
        parameters.integer(UInt32(set.queries.rows))
        parameters.integer(UInt32(set.queries.columns))
        parameters.integer(UInt32(set.k))
        parameters.integer(set.ownIDs == nil ? 0 : ownIDsFlag)
        var queries = ByteWriter()
        queries.floats(set.queries.elements)
        var neighbours = ByteWriter()
        for (query, ids) in set.neighbours.enumerated() {
            if let own = set.ownIDs?[query] { append(own, to: &neighbours) }
            neighbours.varint(UInt64(ids.count))
            for id in ids { append(id, to: &neighbours) }
        }
        var container = ContainerWriter(.querySet)
        try container.append(.parameters, parameters.bytes)
        try container.append(.queries, queries.bytes)
        try container.append(.neighbours, neighbours.bytes)
        return container.finish()
    }

    /// Reads and checks a whole query set object.
    package static func read(_ object: [UInt8], name: String) throws(TesseraError) -> QuerySet {
        let container = try ContainerReader.verify(object, kind: .querySet, name: name)
        var parameters = ByteReader(
            try container.tailSection(.parameters), what: "parameters of \(name)")
        let count = Int(try parameters.integer(UInt32.self))
        let dimension = Int(try parameters.integer(UInt32.self))
        let k = Int(try parameters.integer(UInt32.self))
        let flags = try parameters.integer(UInt32.self)
        try parameters.finish()
        guard count > 0, (1...ShardParameters.largestDimension).contains(dimension),
            (1...QuerySet.largestK).contains(k), flags <= ownIDsFlag
        else { throw TesseraError(.corrupted, "\(name) has impossible parameters") }
        var queries = ByteReader(try container.tailSection(.queries), what: "queries of \(name)")
        let elements = try queries.floats(count * dimension)
        try queries.finish()
        let truth = try neighbours(container, count, hasOwn: flags == ownIDsFlag, name)
        return QuerySet(
            queries: Matrix(rows: count, columns: dimension, elements: elements), k: k,
            ownIDs: flags == ownIDsFlag ? truth.own : nil, neighbours: truth.neighbours)
    }

    private static func neighbours(
        _ container: ContainerReader, _ count: Int, hasOwn: Bool, _ name: String
    ) throws(TesseraError) -> (own: [String], neighbours: [[String]]) {
        var reader = ByteReader(
            try container.tailSection(.neighbours), what: "neighbours of \(name)")
        var own: [String] = []
        var neighbours: [[String]] = []
        for _ in 0..<count {
            if hasOwn { own.append(try id(&reader, name)) }
            let length = try reader.varint()
            guard (1...UInt64(QuerySet.largestK)).contains(length) else {
                throw TesseraError(.corrupted, "\(name): a query has \(length) neighbours")
            }
            var ids: [String] = []
            for _ in 0..<length { ids.append(try id(&reader, name)) }
            neighbours.append(ids)
        }
        try reader.finish()
        return (own, neighbours)
    }

    private static func append(_ id: String, to writer: inout ByteWriter) {
        writer.varint(UInt64(id.utf8.count))
        writer.append(Array(id.utf8))
    }

    private static func id(_ reader: inout ByteReader, _ name: String) throws(TesseraError)
        -> String
    {
        let length = try reader.varint()
        guard length <= UInt64(reader.remaining),
            let id = String(validating: try reader.take(Int(length)), as: UTF8.self)
        else { throw TesseraError(.corrupted, "\(name): an id is not valid") }
        return id
    }
}
