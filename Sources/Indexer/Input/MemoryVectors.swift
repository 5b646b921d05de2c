// A source in memory: for tests, and for what an application has computed itself.
package import TesseraBase
package import VectorCore

/// The rows of a matrix, as float32. Row numbers are the ids where none are given.
package struct MemoryVectors: VectorSource {
    package let name: String
    private let matrix: Matrix
    private let externalIDs: [String]?

    /// - Precondition: one id a row, where ids are given.
    package init(_ matrix: Matrix, ids: [String]? = nil, name: String = "vectors in memory") {
        precondition(ids == nil || ids?.count == matrix.rows, "each row needs one id")
        self.matrix = matrix
        self.name = name
        externalIDs = ids
    }

    package var dimension: Int { matrix.columns }
    package var elementType: ElementType { .f32 }
    package var count: Int? { matrix.rows }
    package var ids: ExternalIDs? {
        externalIDs == nil ? .rowNumbers(matrix.rows) : nil
    }

    package func vectors(
        from first: Int, atMost most: Int, on pool: WorkPool
    ) async throws(TesseraError) -> [UInt8] {
        let columns = matrix.columns
        let end = min(first + most, matrix.rows)
        let elements = matrix.elements[min(first, end) * columns..<end * columns]
        return try ElementConversion.encode(Array(elements), as: .f32)
    }

    package func vectors(
        at rows: [Int], on pool: WorkPool
    ) async throws(TesseraError) -> [UInt8] {
        try ElementConversion.encode(matrix.gathering(rows).elements, as: .f32)
    }

    package func ids(
        from first: Int, atMost most: Int, on pool: WorkPool
    ) async throws(TesseraError) -> [[UInt8]] {
        let end = min(first + most, matrix.rows)
        return (min(first, end)..<end).map { row in
            Array((externalIDs?[row] ?? String(row)).utf8)
        }
    }
}
