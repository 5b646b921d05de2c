// The usual source: a file of vectors, with a file of ids or without.
package import TesseraBase
package import VectorCore

/// The rows of a vector file. Row numbers are the ids where no id file is given.
package struct FileVectors: VectorSource {
    private let file: VectorFile
    package let ids: ExternalIDs?

    /// Opens both files, checks every id and that there are as many as vectors. O(bytes of the id
    /// file), blocking.
    ///
    /// - Throws: what ``VectorFile/open(path:)`` and ``ExternalIDs/open(path:vectors:)`` throw.
    package init(vectorsPath: String, idsPath: String?) throws(TesseraError) {
        file = try VectorFile.open(path: vectorsPath)
        ids = try ExternalIDs.open(path: idsPath, vectors: file)
    }

    package var name: String { file.path }
    package var dimension: Int { file.dimension }
    package var elementType: ElementType { file.elementType }
    package var count: Int? { file.rows }

    package func vectors(
        from first: Int, atMost most: Int, on pool: WorkPool
    ) async throws(TesseraError) -> [UInt8] {
        try await pool.run { () throws(TesseraError) in
            try file.rawRows(min(first, file.rows)..<min(first + most, file.rows))
        }
    }

    package func vectors(
        at rows: [Int], on pool: WorkPool
    ) async throws(TesseraError) -> [UInt8] {
        try await pool.run { () throws(TesseraError) in try file.rawRows(at: rows) }
    }
}
