// Queries to measure by: a file of vectors, or a folder of such files, as `shardctl serve
// --query-log` leaves one for an index.
import Foundation
import TesseraBase
import VectorCore

/// Open files of queries, read as if they were one.
struct QueryFiles {
    private let path: String
    private let files: [VectorFile]

    /// - Throws: `invalidArgument` for files of another dimension or a folder without any,
    ///   `notFound` where nothing is there.
    init(_ path: String, dimension: Int) throws(TesseraError) {
        self.path = path
        var isFolder: ObjCBool = false
        if unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder),
            isFolder.boolValue
        {
            files = try Self.recorded(in: path, dimension: dimension)
            return
        }
        let file = try VectorFile.open(path: path)
        guard file.dimension == dimension else {
            throw TesseraError(
                .invalidArgument,
                "\(path) has \(file.dimension) dimensions, the vectors have \(dimension): "
                    + "make the queries as the vectors were made")
        }
        files = [file]
    }

    var rows: Int { files.reduce(0) { $0 + $1.rows } }

    /// Rows counted through all files, ascending, as float32. Throws as ``VectorFile/read(rows:)``
    /// does.
    func read(rows: [Int], dimension: Int) throws(TesseraError) -> Matrix {
        var elements: [Float] = []
        elements.reserveCapacity(rows.count * dimension)
        var first = 0
        var rest = rows[...]
        for file in files {
            let mine = rest.prefix { $0 < first + file.rows }
            rest = rest.dropFirst(mine.count)
            elements += try file.read(rows: mine.map { $0 - first }).elements
            first += file.rows
        }
        return Matrix(rows: rows.count, columns: dimension, elements: elements)
    }

    /// The files of a folder in the order they were recorded. Those from before an index changed
    /// its dimension are left out, and so are those that a server has just removed for newer ones.
    private static func recorded(
        in folder: String, dimension: Int
    ) throws(TesseraError) -> [VectorFile] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        var files: [VectorFile] = []
        var others: Set<Int> = []
        for name in names.sorted() where name.hasSuffix(".fbin") {
            do throws(TesseraError) {
                let file = try VectorFile.open(path: "\(folder)/\(name)")
                if file.dimension == dimension {
                    files.append(file)
                } else {
                    others.insert(file.dimension)
                }
            } catch {
                guard error.code == .notFound else { throw error }
            }
        }
        guard files.isEmpty else { return files }
        guard let other = others.min() else {
            throw TesseraError(
                .invalidArgument,
                "\(folder) holds no recorded queries; name the index's own folder in it, or wait until some are recorded"
            )
        }
        throw TesseraError(
            .invalidArgument,
            "the queries in \(folder) have \(other) dimensions, the vectors have \(dimension): "
                + "were they recorded for this index?")
    }
}
