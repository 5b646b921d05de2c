// The router object: the partition's centroids and the transform all shards share.
package import TesseraBase
import VectorCore
package import VectorIndex

/// Writes and reads a router.
package enum RouterFile {
    /// Writes a router object.
    package static func write(_ router: Router) throws(TesseraError) -> ContainerImage {
        var parameters = ByteWriter()
        parameters.integer(UInt32(router.centroids.rows))
        parameters.integer(UInt32(router.centroids.columns))
        parameters.integer(UInt32(router.transform.outputDimension))
        var centroids = ByteWriter()
        centroids.floats(router.centroids.elements)
        var container = ContainerWriter(.router)
        try container.append(.parameters, parameters.bytes)
        try container.append(.centroids, centroids.bytes)
        if case .rotation(let matrix) = router.transform {
            var rotation = ByteWriter()
            rotation.floats(matrix.elements)
            try container.append(.rotation, rotation.bytes)
        }
        return container.finish()
    }

    /// Reads and checks a whole router object.
    package static func read(_ object: [UInt8], name: String) throws(TesseraError) -> Router {
        let container = try ContainerReader.verify(object, kind: .router, name: name)
        var parameters = ByteReader(
            try container.tailSection(.parameters), what: "parameters of \(name)")
        let shards = Int(try parameters.integer(UInt32.self))
        let dimension = Int(try parameters.integer(UInt32.self))
        let padded = Int(try parameters.integer(UInt32.self))
        try parameters.finish()
        guard shards > 0, (1...ShardParameters.largestDimension).contains(dimension),
            (dimension...2 * ShardParameters.largestDimension).contains(padded)
        else { throw TesseraError(.corrupted, "\(name) has impossible parameters") }
        let centroids = try matrix(
            container, .centroids, rows: shards, columns: dimension, name: name)
        guard container.sections.contains(where: { $0.kind == .rotation }) else {
            return Router(
                centroids: centroids, transform: .padding(from: dimension, to: padded))
        }
        let rotation = try matrix(
            container, .rotation, rows: padded, columns: dimension, name: name)
        return Router(centroids: centroids, transform: .rotation(rotation))
    }

    private static func matrix(
        _ container: ContainerReader, _ kind: SectionKind, rows: Int, columns: Int, name: String
    ) throws(TesseraError) -> Matrix {
        var reader = ByteReader(try container.tailSection(kind), what: "\(kind) of \(name)")
        let elements = try reader.floats(rows * columns)
        try reader.finish()
        return Matrix(rows: rows, columns: columns, elements: elements)
    }
}
